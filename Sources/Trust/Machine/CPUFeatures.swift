/// A set of instruction sets: what a build may use, or what a CPU has.
public struct CPUFeatures: Sendable, Hashable {
  /// The longest bit set that is read, in bytes.
  public static let longest = 32

  private var bits: Set<Int> = []

  /// No features.
  public init() {}

  /// The features of these GCC names; one that the list lacks counts as `CPUFeature.unnamed`.
  public init(_ names: some Sequence<String>) {
    for name in names where !name.isEmpty && !CPUFeature.ignored.contains(name) {
      bits.insert(CPUFeature(name)?.bit ?? CPUFeature.unnamed.bit)
    }
  }

  /// The features of a CPU: names that the list lacks are left out and what follows from others is
  /// added, since the kernel and GCC count some differently.
  public init(host names: some Sequence<String>) {
    for name in names {
      if let feature = CPUFeature(name) { bits.insert(feature.bit) }
    }
    let following = [
      (["sse4.2"], "crc32"), (["abm"], "lzcnt"), (["abm"], "popcnt"), (["lzcnt", "popcnt"], "abm"),
      (["sse2"], "sse"), (["sse2"], "fxsr"), (["sse2"], "mmx"), (["usermsr"], "user_msr"),
    ]
    for (having, feature) in following where CPUFeatures(having).isSubset(of: self) {
      formUnion(CPUFeatures([feature]))
    }
  }

  /// The features of a bit set, the lowest bit of the first byte being bit 0; nil if over `longest`.
  public init?(bitSet: [UInt8]) {
    guard bitSet.count <= Self.longest else { return nil }
    for (index, byte) in bitSet.enumerated() {
      for bit in 0..<8 where byte >> UInt8(bit) & 1 == 1 { bits.insert(index * 8 + bit) }
    }
  }

  /// The bit set without zero bytes at its end.
  public var bitSet: [UInt8] {
    var bytes = [UInt8](repeating: 0, count: bits.max().map { $0 / 8 + 1 } ?? 0)
    for bit in bits { bytes[bit / 8] |= 1 << UInt8(bit % 8) }
    return bytes
  }

  /// Whether there is none.
  public var isEmpty: Bool { bits.isEmpty }

  /// The features in the order of the fixed list.
  public var all: [CPUFeature] { bits.sorted().map { CPUFeature(bit: $0) } }

  /// Whether the feature is in the set.
  public func contains(_ feature: CPUFeature) -> Bool { bits.contains(feature.bit) }

  /// The features that `host` lacks, in order: a build may run only where there is none.
  public func lacking(in host: CPUFeatures) -> [CPUFeature] {
    bits.subtracting(host.bits.subtracting([CPUFeature.unnamed.bit])).sorted()
      .map { CPUFeature(bit: $0) }
  }

  /// Whether `host` has every feature.
  public func isSubset(of host: CPUFeatures) -> Bool { lacking(in: host).isEmpty }

  /// The features of either set.
  public func union(_ other: CPUFeatures) -> CPUFeatures {
    var both = self
    both.formUnion(other)
    return both
  }

  /// Adds the features of another set.
  public mutating func formUnion(_ other: CPUFeatures) { bits.formUnion(other.bits) }
}
