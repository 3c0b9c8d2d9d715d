public import Cryptography
public import Wire

/// Whose builds this host installs: issuers with their bounds, policies and revocations.
public struct TrustList: Sendable, Hashable {
  /// The list's version; one lower than the last seen is refused.
  public var version: UInt64
  /// When the list ends; nil if never.
  public var expires: Timestamp?
  /// The keys that are trusted.
  public var issuers: [Issuer]
  /// The policies in order; the first that holds a package decides. `TrustPolicy.standard` follows.
  public var policies: [TrustPolicy]
  /// How configured flags are compared where a policy doesn't say.
  public var flags: EqualityPolicy
  /// How recipes are compared where a policy doesn't say; nil takes the repository's default.
  public var recipe: RecipePolicy?
  /// How the switches for debugging are compared where a policy doesn't say.
  public var contentFeatures: EqualityPolicy
  /// The keys of this host's owner: their builds count as own, their revocations of any key count.
  public var ownKeys: Set<PublicKey>
  /// The revocations that count, by key; of several for one key the earliest.
  public private(set) var revocations: [PublicKey: Revocation] = [:]

  /// A list; trusts nobody unless told.
  public init(
    version: UInt64 = 1, expires: Timestamp? = nil, issuers: [Issuer] = [],
    policies: [TrustPolicy] = [], flags: EqualityPolicy = .any, recipe: RecipePolicy? = nil,
    contentFeatures: EqualityPolicy = .exact, ownKeys: Set<PublicKey> = []
  ) {
    self.version = version
    self.expires = expires
    self.issuers = issuers
    self.policies = policies
    self.flags = flags
    self.recipe = recipe
    self.contentFeatures = contentFeatures
    self.ownKeys = ownKeys
  }

  /// The issuer of this key; nil if it is not trusted. An own key needs no entry.
  public func issuer(of key: PublicKey) -> Issuer? {
    if let known = issuers.first(where: { $0.key == key }) { return known }
    guard ownKeys.contains(key) else { return nil }
    return Issuer(key: key, name: "this host", weight: 1_000, mayBuildSystem: true)
  }

  /// Every key whose statements may count, own ones included, revoked ones not: what look-ups ask for.
  public func keys(at now: Timestamp) -> [PublicKey] {
    Set(issuers.map(\.key)).union(ownKeys).filter { revocation(of: $0, at: now) == nil }.sorted()
  }

  /// The policy for a package: the first that holds it.
  public func policy(for facts: PackageFacts, system: Set<String>) -> TrustPolicy {
    for policy in policies + TrustPolicy.standard {
      for pattern in policy.packages where pattern.contains(facts.name, system: system) {
        return policy
      }
    }
    return TrustPolicy(packages: [.all], rule: .oneOf([]))
  }

  /// The revocation of a key that is in force at `now`.
  public func revocation(of key: PublicKey, at now: Timestamp) -> Revocation? {
    guard let revocation = revocations[key], revocation.from <= now else { return nil }
    return revocation
  }

  /// The next time at which the list accepts something else although nobody changes it; nil if never.
  public func nextChange(after now: Timestamp) -> Timestamp? {
    var times = issuers.flatMap { [$0.from, $0.until] }
    times.append(expires)
    for revocation in revocations.values { times.append(revocation.from) }
    return times.compactMap { $0 }.filter { $0 > now }.min()
  }

  /// Takes a revocation in; false if its signer may not revoke that key.
  ///
  /// A key may revoke itself, and an own key any: another issuer's word would let one trusted key
  /// switch the others off.
  @discardableResult
  public mutating func add(_ revocation: SignedRevocation) -> Bool {
    let key = revocation.revocation.key
    guard revocation.signer == key || ownKeys.contains(revocation.signer) else { return false }
    revoke(revocation.revocation)
    return true
  }

  /// Takes in a revocation that the owner wrote into the list.
  public mutating func revoke(_ revocation: Revocation) {
    if let known = revocations[revocation.key], known.from <= revocation.from { return }
    revocations[revocation.key] = revocation
  }
}
