/// The compiler flags as configured, white space collapsed, order kept.
public struct CompilerFlags: Sendable, Hashable {
  /// The flags by variable name (CFLAGS, RUSTFLAGS, …); empty ones are left out.
  public let values: [String: String]

  /// Collapses white space and drops what is empty.
  public init(_ values: [String: String]) {
    var kept: [String: String] = [:]
    for (name, value) in values {
      let words = value.split { $0 == " " || $0 == "\t" || $0 == "\n" }
      if !words.isEmpty { kept[name] = words.joined(separator: " ") }
    }
    self.values = kept
  }

  /// 16 bytes of BLAKE2b over `larder flags 1` and each name and value, length-prefixed, by name.
  public var digest: [UInt8] {
    var hash = CanonicalHash(domain: "larder flags 1", length: 16)
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      hash.append(name)
      hash.append(value)
    }
    return hash.finalize()
  }

  /// The names of the variables in which `other` differs, sorted.
  public func differences(from other: CompilerFlags) -> [String] {
    Set(values.keys).union(other.values.keys).filter { values[$0] != other.values[$0] }.sorted()
  }
}
