/// The levels of the x86-64 psABI: which instruction sets a system may take for granted.
public enum CPULevel: String, Sendable, Hashable, CaseIterable, Comparable, Codable {
  /// x86-64
  case v1 = "x86-64"
  /// x86-64-v2
  case v2 = "x86-64-v2"
  /// x86-64-v3
  case v3 = "x86-64-v3"
  /// x86-64-v4
  case v4 = "x86-64-v4"

  /// 1 to 4, as build statements carry it.
  public var number: Int {
    switch self {
    case .v1: 1
    case .v2: 2
    case .v3: 3
    case .v4: 4
    }
  }

  /// The level of this number; nil for others.
  public init?(number: Int) {
    guard let level = Self.allCases.first(where: { $0.number == number }) else { return nil }
    self = level
  }

  /// The highest level that these features make up; nil where even the lowest is not whole.
  public init?(of features: CPUFeatures) {
    guard let level = Self.allCases.last(where: { $0.features.isSubset(of: features) }) else {
      return nil
    }
    self = level
  }

  /// The features of the level and all below it (x86-64 psABI, table 3.1); OSXSAVE is `xsave`.
  public var features: CPUFeatures {
    switch self {
    case .v1: CPUFeatures(["fxsr", "mmx", "sse", "sse2"])
    case .v2:
      CPUFeatures(["cx16", "popcnt", "sahf", "sse3", "sse4.1", "sse4.2", "ssse3"])
        .union(Self.v1.features)
    case .v3:
      CPUFeatures(["avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe", "xsave"])
        .union(Self.v2.features)
    case .v4:
      CPUFeatures(["avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl"])
        .union(Self.v3.features)
    }
  }

  /// Whether the left level is the lower.
  public static func < (left: CPULevel, right: CPULevel) -> Bool { left.number < right.number }
}
