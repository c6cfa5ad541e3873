// How a message shows its fields: to CAF by `inspect`, to everybody else by plain members. Sees no CAF header, so that
// programs without actors use the same structs.
#pragma once

#define TROUPE_EXPAND(x) x
#define TROUPE_F1(a) x.a
#define TROUPE_F2(a, ...) x.a, TROUPE_EXPAND(TROUPE_F1(__VA_ARGS__))
#define TROUPE_F3(a, ...) x.a, TROUPE_EXPAND(TROUPE_F2(__VA_ARGS__))
#define TROUPE_F4(a, ...) x.a, TROUPE_EXPAND(TROUPE_F3(__VA_ARGS__))
#define TROUPE_F5(a, ...) x.a, TROUPE_EXPAND(TROUPE_F4(__VA_ARGS__))
#define TROUPE_F6(a, ...) x.a, TROUPE_EXPAND(TROUPE_F5(__VA_ARGS__))
#define TROUPE_F7(a, ...) x.a, TROUPE_EXPAND(TROUPE_F6(__VA_ARGS__))
#define TROUPE_F8(a, ...) x.a, TROUPE_EXPAND(TROUPE_F7(__VA_ARGS__))
#define TROUPE_F9(a, ...) x.a, TROUPE_EXPAND(TROUPE_F8(__VA_ARGS__))
#define TROUPE_F10(a, ...) x.a, TROUPE_EXPAND(TROUPE_F9(__VA_ARGS__))
#define TROUPE_F11(a, ...) x.a, TROUPE_EXPAND(TROUPE_F10(__VA_ARGS__))
#define TROUPE_F12(a, ...) x.a, TROUPE_EXPAND(TROUPE_F11(__VA_ARGS__))
#define TROUPE_F13(a, ...) x.a, TROUPE_EXPAND(TROUPE_F12(__VA_ARGS__))
#define TROUPE_F14(a, ...) x.a, TROUPE_EXPAND(TROUPE_F13(__VA_ARGS__))
#define TROUPE_F15(a, ...) x.a, TROUPE_EXPAND(TROUPE_F14(__VA_ARGS__))
#define TROUPE_F16(a, ...) x.a, TROUPE_EXPAND(TROUPE_F15(__VA_ARGS__))
#define TROUPE_F17(a, ...) x.a, TROUPE_EXPAND(TROUPE_F16(__VA_ARGS__))
#define TROUPE_F18(a, ...) x.a, TROUPE_EXPAND(TROUPE_F17(__VA_ARGS__))
#define TROUPE_F19(a, ...) x.a, TROUPE_EXPAND(TROUPE_F18(__VA_ARGS__))
#define TROUPE_F20(a, ...) x.a, TROUPE_EXPAND(TROUPE_F19(__VA_ARGS__))
#define TROUPE_F21(a, ...) x.a, TROUPE_EXPAND(TROUPE_F20(__VA_ARGS__))
#define TROUPE_F22(a, ...) x.a, TROUPE_EXPAND(TROUPE_F21(__VA_ARGS__))
#define TROUPE_F23(a, ...) x.a, TROUPE_EXPAND(TROUPE_F22(__VA_ARGS__))
#define TROUPE_F24(a, ...) x.a, TROUPE_EXPAND(TROUPE_F23(__VA_ARGS__))
#define TROUPE_F25(a, ...) x.a, TROUPE_EXPAND(TROUPE_F24(__VA_ARGS__))
#define TROUPE_F26(a, ...) x.a, TROUPE_EXPAND(TROUPE_F25(__VA_ARGS__))
#define TROUPE_PICK(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, _17, _18, _19, _20, _21,    \
                    _22, _23, _24, _25, _26, NAME, ...)                                                                \
  NAME
#define TROUPE_FIELDS(...)                                                                                             \
  TROUPE_EXPAND(TROUPE_PICK(__VA_ARGS__, TROUPE_F26, TROUPE_F25, TROUPE_F24, TROUPE_F23, TROUPE_F22, TROUPE_F21,       \
                            TROUPE_F20, TROUPE_F19, TROUPE_F18, TROUPE_F17, TROUPE_F16, TROUPE_F15, TROUPE_F14,        \
                            TROUPE_F13, TROUPE_F12, TROUPE_F11, TROUPE_F10, TROUPE_F9, TROUPE_F8, TROUPE_F7,           \
                            TROUPE_F6, TROUPE_F5, TROUPE_F4, TROUPE_F3, TROUPE_F2, TROUPE_F1, )(__VA_ARGS__))

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
