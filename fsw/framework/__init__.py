"""Records, the kernel decorator, the cache of compiled kernels, and the hash of memory."""
