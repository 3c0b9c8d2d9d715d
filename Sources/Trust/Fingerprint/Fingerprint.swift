import Portage
public import Wire

/// The name of everything that must be equal for two hosts to share a build: the DHT key of builds.
///
/// BLAKE2b-256 over the bytes of `larder fingerprint 1` and, for each field in the order of
/// `FingerprintField`, a 4-byte big-endian length and the UTF-8 bytes of its canonical text.
public struct Fingerprint: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
  /// The 32 bytes.
  public let bytes: Bytes32

  /// The fingerprint with these bytes.
  public init(_ bytes: Bytes32) {
    self.bytes = bytes
  }

  /// The fingerprint of 64 hexadecimal digits; nil for anything else.
  public init?(hex: some StringProtocol) {
    guard let bytes = Bytes32(hex: hex) else { return nil }
    self.init(bytes)
  }

  /// The fingerprint of a package; throws where the facts are malformed.
  public init(of facts: PackageFacts) throws(FactsError) {
    try facts.validate()
    self.init(try Self.fields(of: facts))
  }

  /// The fingerprint of canonical fields.
  public init(_ fields: FingerprintFields) {
    var hash = CanonicalHash(domain: "larder fingerprint 1")
    for (_, text) in fields.all { hash.append(text) }
    bytes = hash.digest()
  }

  /// The canonical fields, for comparing two packages by name.
  public static func fields(of facts: PackageFacts) throws(FactsError) -> FingerprintFields {
    try FingerprintFields(of: facts)
  }

  /// A fingerprint that one flipped USE flag leads to.
  public struct Neighbour: Sendable, Hashable {
    /// The fingerprint with the flag flipped, all else as it is.
    public let fingerprint: Fingerprint
    /// The flag as it stands there: `-doc` or `doc`.
    public let flag: String
  }

  /// The most flags whose neighbours are computed.
  public static let mostNeighbours = 256

  /// The fingerprints one USE flag away, for telling the nearest miss.
  ///
  /// Dependencies stay as they are, so a flag that changes run-time dependencies leads nowhere.
  public static func neighbours(of facts: PackageFacts) throws(FactsError) -> [Neighbour] {
    let fields = try FingerprintFields(of: facts)
    var found: [Neighbour] = []
    for (index, flag) in facts.use.enumerated().prefix(mostNeighbours) {
      var flags = facts.use
      let flipped = flag.first == "-" ? String(flag.dropFirst()) : "-\(flag)"
      flags[index] = flipped
      let other = Fingerprint(try fields.with(use: flags))
      found.append(Neighbour(fingerprint: other, flag: flipped))
    }
    return found
  }

  /// In one line, how the nearest of some known packages differs from what is wanted; nil if none is
  /// another build of the same package and version.
  public static func nearestMiss(
    to facts: PackageFacts, among known: [PackageFacts]
  ) throws(FactsError) -> String? {
    let wanted = try FingerprintFields(of: facts)
    var best: (count: Int, text: String)?
    for other in known where other.cpv == facts.cpv {
      guard let fields = try? FingerprintFields(of: other) else { continue }
      let differences = wanted.differences(from: fields)
      guard !differences.isEmpty else { continue }
      let flags = wanted.flags(differingIn: fields)
      let count = max(differences.count, flags.count)
      if let best, best.count <= count { continue }
      let onlyUse = differences.count == 1 && differences[0].field == .use
      let text =
        onlyUse && !flags.isEmpty
        ? "\(flags.count == 1 ? "one USE flag" : "\(flags.count) USE flags") away: "
          + flags.joined(separator: " ")
        : differences.map(\.description).joined(separator: "; ")
      best = (count, text)
    }
    return best?.text
  }

  /// Whether the left fingerprint's bytes come first.
  public static func < (left: Fingerprint, right: Fingerprint) -> Bool {
    left.bytes < right.bytes
  }

  /// 64 hexadecimal digits.
  public var description: String { bytes.hex }

  /// Reads 64 hexadecimal digits.
  public init(from decoder: any Decoder) throws {
    self.init(try Bytes32(from: decoder))
  }

  /// Writes 64 hexadecimal digits.
  public func encode(to encoder: any Encoder) throws {
    try bytes.encode(to: encoder)
  }
}
