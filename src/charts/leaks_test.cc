// What LeakSanitizer is not to report: fontconfig, which Cairo finds fonts with, keeps what it has read to the end.

extern "C" [[gnu::visibility("default")]] const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig\n"; }
