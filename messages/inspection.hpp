// How a message shows its fields: to CAF by `inspect`, to everybody else by plain members. Sees no CAF header, so that
// programs without actors use the same structs.
#pragma once

// `x.a, x.b, ...` of `a, b, ...`: a macro cannot call itself, but is looked at once more by each TROUPE_SCAN around it;
// there are 85 of them.
#define TROUPE_SCAN1(...) __VA_ARGS__
#define TROUPE_SCAN5(...) TROUPE_SCAN1(TROUPE_SCAN1(TROUPE_SCAN1(TROUPE_SCAN1(__VA_ARGS__))))
#define TROUPE_SCAN21(...) TROUPE_SCAN5(TROUPE_SCAN5(TROUPE_SCAN5(TROUPE_SCAN5(__VA_ARGS__))))
#define TROUPE_SCAN85(...) TROUPE_SCAN21(TROUPE_SCAN21(TROUPE_SCAN21(TROUPE_SCAN21(__VA_ARGS__))))
#define TROUPE_NONE ()
#define TROUPE_FIELD(a, ...) x.a __VA_OPT__(, TROUPE_FIELD_AGAIN TROUPE_NONE(__VA_ARGS__))
#define TROUPE_FIELD_AGAIN() TROUPE_FIELD
#define TROUPE_FIELDS(...) TROUPE_SCAN85(TROUPE_FIELD(__VA_ARGS__))

/// Makes a struct a message: TROUPE_INSPECT(type, field, field ...) in the struct's own namespace.
#define TROUPE_INSPECT(type, ...)                                                                                      \
  template <class Inspector>                                                                                           \
  typename Inspector::result_type inspect(Inspector& f, type& x) {                                                     \
    return f(TROUPE_FIELDS(__VA_ARGS__));                                                                              \
  }
/// The same for a struct without fields.
#define TROUPE_INSPECT_EMPTY(type)                                                                                     \
  template <class Inspector>                                                                                           \
  typename Inspector::result_type inspect(Inspector& f, type&) {                                                       \
    return f();                                                                                                        \
  }
