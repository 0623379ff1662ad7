// What LeakSanitizer is not to report: the death of a process is thrown out of a write of its log, through the coroutines
// that wait for it, and g++ 12 now and then loses count of such an exception, which is a few bytes.

extern "C" [[gnu::visibility("default")]] const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:laconic::process::CoordinatorLog\n"; }
