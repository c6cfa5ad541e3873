// What CAF makes of each message, made here for all.
#define TROUPE_MAKES_MESSAGE_TEMPLATES
#include "actors/type_ids.hpp"

#define TROUPE_HERE(type) TROUPE_MESSAGE_TEMPLATES(, type)
TROUPE_MESSAGES(TROUPE_HERE)
