/// One instruction set by GCC's name; its place in the fixed list is its bit in build statements.
///
/// The list only ever grows at its end. Bit 0 stands for a feature that the builder's version has no
/// name for: no host has it, so such a build is refused rather than run by mistake.
public struct CPUFeature: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The place in the fixed list, 0 to 255.
  public let bit: Int

  /// A feature without a name here.
  public static let unnamed = CPUFeature(bit: 0)

  init(bit: Int) {
    self.bit = bit
  }

  /// The feature of this GCC name; nil if the list doesn't hold it.
  public init?(_ name: some StringProtocol) {
    guard let bit = Self.bits[String(name)] else { return nil }
    self.bit = bit
  }

  /// GCC's name, or the bit's number where a newer version gave it a name.
  public var description: String {
    if bit == 0 { return "a feature without a known name" }
    return bit < Self.names.count ? Self.names[bit] : "feature number \(bit)"
  }

  /// Whether the left feature comes first in the list.
  public static func < (left: CPUFeature, right: CPUFeature) -> Bool { left.bit < right.bit }

  /// The fixed list; the index is the bit.
  public static let names: [String] = [
    "", "mmx", "sse", "sse2", "sse3", "ssse3", "sse4.1", "sse4.2", "sse4a", "avx", "avx2", "fma",
    "fma4", "xop", "lwp", "abm", "popcnt", "lzcnt", "bmi", "bmi2", "tbm", "movbe", "crc32", "cx16",
    "sahf", "fxsr", "xsave", "xsaveopt", "xsavec", "xsaves", "f16c", "aes", "pclmul", "sha",
    "rdrnd", "rdseed", "adx", "fsgsbase", "rdpid", "prfchw", "prefetchwt1", "clflushopt", "clwb",
    "clzero", "cldemote", "mwait", "mwaitx", "pku", "rtm", "hle", "sgx", "shstk", "gfni", "vaes",
    "vpclmulqdq", "avx512f", "avx512cd", "avx512dq", "avx512bw", "avx512vl", "avx512ifma",
    "avx512vbmi", "avx512vbmi2", "avx512vnni", "avx512bitalg", "avx512vpopcntdq", "avx512bf16",
    "avx512fp16", "avx512vp2intersect", "avx512pf", "avx512er", "avx5124fmaps", "avx5124vnniw",
    "avxvnni", "avxifma", "avxvnniint8", "avxvnniint16", "avxneconvert", "avx10.1", "avx10.2",
    "movdiri", "movdir64b", "waitpkg", "ptwrite", "pconfig", "wbnoinvd", "serialize", "tsxldtrk",
    "uintr", "enqcmd", "hreset", "kl", "widekl", "amx-tile", "amx-int8", "amx-bf16", "amx-fp16",
    "amx-complex", "amx-avx512", "amx-tf32", "amx-fp8", "amx-movrs", "amx-transpose", "cmpccxadd",
    "prefetchi", "raoint", "usermsr", "user_msr", "sm3", "sm4", "sha512", "apxf", "movrs",
    "3dnow", "3dnowa",
  ]

  private static let bits: [String: Int] = {
    var bits: [String: Int] = [:]
    for (bit, name) in names.enumerated() where !name.isEmpty { bits[name] = bit }
    return bits
  }()

  /// Switches that GCC lists beside the instruction sets and that demand nothing of a CPU.
  static let ignored: Set<String> = [
    "64", "32", "16", "x32", "80387", "hard-float", "fancy-math-387", "ieee-fp", "glibc",
    "red-zone",
    "push-args", "align-stringops", "long-double-80", "long-double-64", "long-double-128",
    "fp-ret-in-387", "tls-direct-seg-refs", "vzeroupper", "stv", "avx256-split-unaligned-load",
    "avx256-split-unaligned-store", "move-max", "evex512", "relax-cmpxchg-loop", "android",
    "bionic",
    "musl", "uclibc", "accumulate-outgoing-args", "omit-leaf-frame-pointer", "fentry",
    "general-regs-only",
    "direct-extern-access", "unroll-only-small-loops", "noreturn-no-callee-saved-registers",
  ]
}
