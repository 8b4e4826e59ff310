# Language level, warnings and sanitizers: one place, for every target.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON) # _GNU_SOURCE functions of glibc and the cleanup attribute

set(MR_SANITIZE "" CACHE STRING "Sanitizers for every target, as in -fsanitize=")
option(MR_FUZZ "Build the libFuzzer targets (needs clang)" OFF)

find_program(MR_CCACHE ccache)
if(MR_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${MR_CCACHE})
endif()

add_compile_definitions(_GNU_SOURCE MR_VERSION="${PROJECT_VERSION}")
add_compile_options(-fno-omit-frame-pointer -fstack-protector-strong -fvisibility=hidden)
# Asserts guard our own invariants and stay on in every build: never define NDEBUG.
foreach(type DEBUG RELWITHDEBINFO)
  string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${type} "${CMAKE_C_FLAGS_${type}}")
endforeach()
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  add_compile_definitions(MR_FAULT_POINTS)
else()
  add_compile_options(-D_FORTIFY_SOURCE=2)
endif()
if(MR_SANITIZE)
  add_compile_options(-fsanitize=${MR_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MR_SANITIZE})
endif()
if(MR_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Ours only; generated code does not link this.
add_library(mr_warnings INTERFACE)
target_compile_options(mr_warnings INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wundef
  -Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 -Wno-missing-field-initializers -Wno-missing-braces
  # snprintf cuts on purpose where a text has a limit; what GCC thinks of it changes with the optimisation level.
  $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation>)
