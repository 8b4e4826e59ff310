# A file as a constant array of a C header. As a module: mr_embed(target file name); as a script (-P): makes it.
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ "${IN}" hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  file(WRITE "${OUT}" "static const unsigned char ${NAME}[] = {${bytes}};\n")
  return()
endif()

set(MR_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

# NAME mr_openapi_json becomes "embedded/openapi_json.h" with `static const unsigned char mr_openapi_json[]`.
function(mr_embed target file name)
  string(REGEX REPLACE "^mr_" "" stem ${name})
  set(out ${CMAKE_CURRENT_BINARY_DIR}/embedded/${stem}.h)
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_CURRENT_BINARY_DIR}/embedded
    COMMAND ${CMAKE_COMMAND} -DIN=${file} -DOUT=${out} -DNAME=${name} -P ${MR_EMBED_SCRIPT}
    DEPENDS ${file} ${MR_EMBED_SCRIPT} VERBATIM)
  target_sources(${target} PRIVATE ${out})
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
endfunction()
