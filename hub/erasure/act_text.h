/* The words of the act and of the journal's export, in Russian: for people and for the supervising authority.
 */
#ifndef MR_HUB_ERASURE_ACT_TEXT_H
#define MR_HUB_ERASURE_ACT_TEXT_H

#include <jansson.h>

#include "hub/erasure/rows.h"

#define MR_ACT_WAY                                                                                                                                                                          \
    "уничтожение ключей шифрования со сменой ключей корзины и корневого ключа, удаление зашифрованных " \
    "частей "                                                                                                                                                                         \
    "событий из журнала, записей указателей и витрин; файлы хранилищ переписаны без удалённого"

/* Appended; look at mr_buf_failed(). */
void mr_act_text(const struct mr_house *house, const mr_erasure_request *request,
        const mr_erasure_secret *secret, struct mr_buf *out);
void mr_act_journal(const struct mr_house *house, const mr_erasure_request *request,
        const mr_erasure_secret *secret, struct mr_buf *out);

/* What is not destroyed by it, and said so. */
json_t *mr_act_excepted_json(void);

#endif
