// Put before user-mode-linux's own ptrace(2) where the CPU has AMX. Linux takes a process's extended state (PTRACE_SETREGSET) only whole: 11 KB there,
// and user-mode-linux 6.1 has room for the first 2.7 KB, all of it but the AMX tiles, so its first process could not even start.
// Compiled by vmrun.sh with Debian's tcc, without headers.
enum { SYS_ptrace = 101, PTRACE_PEEKTEXT = 1, PTRACE_PEEKUSER = 3, PTRACE_GETREGSET = 0x4204, PTRACE_SETREGSET = 0x4205, NT_X86_XSTATE = 0x202 };

struct iovec {
  char *base;
  unsigned long length;
};
long syscall(long number, ...);
int *__errno_location(void);

static char whole[16384]; // user-mode-linux is one thread where it traces

static long extended_state(long request, long pid, struct iovec *part) {
  struct iovec all = {whole, sizeof whole};
  if (syscall(SYS_ptrace, (long)PTRACE_GETREGSET, pid, (long)NT_X86_XSTATE, &all) < 0) return -1;
  if (part->length > all.length) part->length = all.length;
  for (unsigned long at = 0; at < part->length; at++)
    if (request == PTRACE_GETREGSET) part->base[at] = whole[at];
    else whole[at] = part->base[at];
  if (request == PTRACE_GETREGSET) return 0;
  return syscall(SYS_ptrace, request, pid, (long)NT_X86_XSTATE, &all);
}

long ptrace(long request, long pid, void *address, void *data) {
  if ((request == PTRACE_GETREGSET || request == PTRACE_SETREGSET) && address == (void *)NT_X86_XSTATE)
    return extended_state(request, pid, data);
  if (request < PTRACE_PEEKTEXT || request > PTRACE_PEEKUSER) return syscall(SYS_ptrace, request, pid, address, data);
  long word; // these three give their value by return, as libc has it
  if (syscall(SYS_ptrace, request, pid, address, &word) < 0) return -1;
  *__errno_location() = 0;
  return word;
}
