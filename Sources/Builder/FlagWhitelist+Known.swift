extension FlagWhitelist {
  static let exact: Set<String> = ["-pipe", "-pthread", "-std=gnu17", "-std=gnu11", "-std=gnu++17"]

  static let optimisations: Set<String> = [
    "-O", "-O0", "-O1", "-O2", "-O3", "-Os", "-Og", "-Oz", "-Ofast",
  ]

  static let debugging: Set<String> = [
    "-g", "-g0", "-g1", "-g2", "-g3", "-ggdb", "-ggdb0", "-ggdb1", "-ggdb2", "-ggdb3",
    "-gdwarf-4", "-gdwarf-5", "-gz", "-gz=zlib", "-gz=zstd", "-gz=none", "-gsplit-dwarf",
  ]

  static let macros: Set<String> = [
    "-D_FORTIFY_SOURCE=0", "-D_FORTIFY_SOURCE=1", "-D_FORTIFY_SOURCE=2", "-D_FORTIFY_SOURCE=3",
    "-U_FORTIFY_SOURCE", "-D_GLIBCXX_ASSERTIONS", "-DNDEBUG", "-D_FILE_OFFSET_BITS=64",
    "-D_TIME_BITS=64",
  ]

  /// CPU names of GCC's x86, AArch64 and RISC-V manuals. `native` is not among them: it means
  /// another CPU on the builder.
  static let cpus: Set<String> = [
    "generic", "x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4", "i486", "i586", "i686", "pentium4",
    "prescott", "nocona", "core2", "nehalem", "corei7", "westmere", "sandybridge", "corei7-avx",
    "ivybridge", "core-avx-i", "haswell", "core-avx2", "broadwell", "skylake", "skylake-avx512",
    "cannonlake", "icelake-client", "icelake-server", "cascadelake", "cooperlake", "tigerlake",
    "sapphirerapids", "emeraldrapids", "alderlake", "raptorlake", "meteorlake", "rocketlake",
    "arrowlake", "lunarlake", "graniterapids", "bonnell", "silvermont", "goldmont",
    "goldmont-plus", "tremont", "gracemont", "sierraforest", "k8", "k8-sse3", "opteron", "athlon64",
    "amdfam10", "barcelona", "bdver1", "bdver2", "bdver3", "bdver4", "btver1", "btver2", "znver1",
    "znver2", "znver3", "znver4", "znver5", "intel", "armv8-a", "armv8.1-a", "armv8.2-a",
    "armv8.4-a", "armv9-a", "cortex-a53", "cortex-a55", "cortex-a57", "cortex-a72", "cortex-a73",
    "cortex-a76", "neoverse-n1", "neoverse-n2", "neoverse-v1", "neoverse-v2", "rv64gc",
  ]

  /// x86 feature switches (`-mavx2`, `-mno-avx2`) and harmless ABI-neutral `-m` options.
  static let features: Set<String> = [
    "64", "32", "mmx", "sse", "sse2", "sse3", "ssse3", "sse4", "sse4.1", "sse4.2", "sse4a", "avx",
    "avx2", "fma", "fma4", "f16c", "bmi", "bmi2", "lzcnt", "popcnt", "aes", "pclmul", "sha", "adx",
    "rdrnd", "rdseed", "movbe", "fxsr", "xsave", "xsaveopt", "xsavec", "xsaves", "clflushopt",
    "clwb", "prfchw", "sahf", "cx16", "abm", "tbm", "xop", "gfni", "vaes", "vpclmulqdq",
    "avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl", "avx512ifma", "avx512vbmi",
    "avx512vbmi2", "avx512vnni", "avx512bitalg", "avx512vpopcntdq", "fpmath=sse",
  ]

  /// `-f` options that are on or off; each also with `no-`.
  static let switches: Set<String> = [
    "lto", "fat-lto-objects", "use-linker-plugin", "graphite-identity", "loop-nest-optimize",
    "ipa-pta", "tree-vectorize", "tree-slp-vectorize", "omit-frame-pointer", "stack-protector",
    "stack-protector-strong", "stack-protector-all", "stack-clash-protection", "PIC", "pic", "PIE",
    "pie", "plt", "common", "semantic-interposition", "strict-aliasing", "wrapv",
    "devirtualize-at-ltrans", "function-sections", "data-sections", "asynchronous-unwind-tables",
    "unwind-tables", "exceptions", "inline-functions", "unroll-loops", "math-errno",
    "trapping-math", "fast-math", "finite-math-only", "diagnostics-color", "trivial-auto-var-init",
    "var-tracking-assignments", "zero-call-used-regs", "ident", "split-lto-unit",
  ]

  /// `-f` options with one of these values.
  static let valued: Set<String> = [
    "diagnostics-color=auto", "diagnostics-color=always", "diagnostics-color=never",
    "cf-protection", "cf-protection=none", "cf-protection=full", "cf-protection=branch",
    "cf-protection=return", "vect-cost-model=dynamic", "vect-cost-model=cheap",
    "vect-cost-model=very-cheap", "trivial-auto-var-init=zero", "trivial-auto-var-init=pattern",
    "zero-call-used-regs=used-gpr", "lto-compression-level=19", "lto-partition=one",
    "lto-partition=none", "lto-partition=balanced", "visibility=default", "visibility=hidden",
  ]

  static let linker: Set<String> = [
    "-O0", "-O1", "-O2", "--as-needed", "--no-as-needed", "--sort-common", "--hash-style=gnu",
    "--hash-style=both", "--hash-style=sysv", "--gc-sections", "--build-id", "--build-id=sha1",
    "--build-id=none", "--enable-new-dtags", "--disable-new-dtags", "-s", "--icf=safe",
    "--icf=none", "--no-undefined", "--warn-shared-textrel", "--compress-debug-sections=zlib",
    "--compress-debug-sections=zstd", "--compress-debug-sections=none", "-znow", "-zrelro",
    "-zpack-relative-relocs", "--pack-dyn-relocs=relr", "--defsym=__gentoo_check_ldflags__=0",
  ]

  /// What may follow `-z`.
  static let keywords: Set<String> = [
    "now", "lazy", "relro", "norelro", "noexecstack", "defs", "nodlopen", "noseparate-code",
    "separate-code", "pack-relative-relocs", "start-stop-gc", "max-page-size=4096",
    "max-page-size=65536",
  ]
}
