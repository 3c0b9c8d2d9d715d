import Cryptography
public import Wire

/// Why a trust list is not used; each names the entry and the field.
public enum TrustListError: Error, Equatable, Sendable {
  /// A field of an entry is not of its form.
  case invalid(entry: Entry, field: String, reason: String)
  /// An older list than one that was used before.
  case older(version: UInt64, lastSeen: UInt64)
  /// The list ended.
  case expired(Timestamp)

  /// A part of the list, for the reader of a file to find its line.
  public enum Entry: Equatable, Sendable {
    /// The list itself.
    case list
    /// The issuer at this index.
    case issuer(Int)
    /// The policy at this index.
    case policy(Int)
  }
}

extension TrustListError: CustomStringConvertible {
  /// One line for the user.
  public var description: String {
    switch self {
    case .invalid(.list, let field, let reason): "\(field): \(reason)"
    case .invalid(.issuer(let index), let field, let reason):
      "issuer \(index + 1): \(field): \(reason)"
    case .invalid(.policy(let index), let field, let reason):
      "policy \(index + 1): \(field): \(reason)"
    case .older(let version, let lastSeen):
      "version \(version) is older than version \(lastSeen), which was used before"
    case .expired(let time): "the trust list expired at \(time)"
    }
  }
}

extension TrustList {
  /// Checks every entry's form; the first problem is thrown.
  public func validate() throws(TrustListError) {
    guard version > 0 else {
      throw .invalid(entry: .list, field: "version", reason: "must be 1 or more")
    }
    var names: Set<String> = []
    var keys: Set<Bytes32> = []
    for (index, issuer) in issuers.enumerated() {
      try validate(issuer, at: index)
      guard names.insert(issuer.name).inserted else {
        throw .invalid(
          entry: .issuer(index), field: "name", reason: "\"\(issuer.name)\" stands twice")
      }
      guard keys.insert(issuer.key.bytes).inserted else {
        throw .invalid(
          entry: .issuer(index), field: "key", reason: "the key of \"\(issuer.name)\" stands twice")
      }
    }
    for (index, policy) in policies.enumerated() {
      try validate(policy, at: index, names: names)
    }
  }

  /// Checks that the list may be used at `now`, after one of version `lastSeen`.
  public func check(lastSeen: UInt64, now: Timestamp) throws(TrustListError) {
    guard version >= lastSeen else { throw .older(version: version, lastSeen: lastSeen) }
    if let expires, expires <= now { throw .expired(expires) }
  }

  private func validate(_ issuer: Issuer, at index: Int) throws(TrustListError) {
    let entry = TrustListError.Entry.issuer(index)
    guard Self.isName(issuer.name) else {
      throw .invalid(
        entry: entry, field: "name",
        reason: "must be 1 to 64 letters, digits, dots, hyphens or underscores")
    }
    for repository in issuer.repositories where !Self.isGlob(repository) {
      throw .invalid(
        entry: entry, field: "repositories", reason: "\"\(repository)\" is no repository's name")
    }
    for arch in issuer.architectures where !Self.isName(arch) {
      throw .invalid(entry: entry, field: "architectures", reason: "\"\(arch)\" is no ARCH")
    }
    if let from = issuer.from, let until = issuer.until, until <= from {
      throw .invalid(entry: entry, field: "until", reason: "must be later than from")
    }
    guard (1...1_000).contains(issuer.weight) else {
      throw .invalid(entry: entry, field: "weight", reason: "must be 1 to 1000")
    }
  }

  private func validate(
    _ policy: TrustPolicy, at index: Int, names: Set<String>
  ) throws(TrustListError) {
    let entry = TrustListError.Entry.policy(index)
    guard !policy.packages.isEmpty else {
      throw .invalid(entry: entry, field: "packages", reason: "names no package")
    }
    switch policy.rule {
    case .own, .systemIssuers: return
    case .oneOf(let wanted):
      try validate(wanted, entry, "issuers", names: names)
    case .agreeing(let count, let wanted):
      try validate(wanted, entry, "of", names: names)
      guard count >= 1 else {
        throw .invalid(entry: entry, field: "agreeing", reason: "must be 1 or more")
      }
      // This host's own key may be one of the builders.
      let available = wanted.isEmpty ? issuers.count + ownKeys.count : wanted.count
      guard count <= available else {
        throw .invalid(
          entry: entry, field: "agreeing", reason: "wants \(count) of \(available) issuers")
      }
    }
  }

  private func validate(
    _ wanted: [String], _ entry: TrustListError.Entry, _ field: String, names: Set<String>
  ) throws(TrustListError) {
    var seen: Set<String> = []
    for name in wanted {
      guard names.contains(name) else {
        throw .invalid(entry: entry, field: field, reason: "no issuer is called \"\(name)\"")
      }
      guard seen.insert(name).inserted else {
        throw .invalid(entry: entry, field: field, reason: "\"\(name)\" stands twice")
      }
    }
  }

  private static func isName(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count) && text.utf8.allSatisfy(isNameByte)
  }

  private static func isGlob(_ text: String) -> Bool {
    (1...128).contains(text.utf8.count)
      && text.utf8.allSatisfy { isNameByte($0) || $0 == UInt8(ascii: "*") }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: "-_.".utf8.contains(byte)
    }
  }
}
