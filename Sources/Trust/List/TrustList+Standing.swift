import Cryptography
public import Wire

extension TrustList {
  /// What speaks against every build of a package by one issuer, whatever it is: the key, the times,
  /// the scope, the policy, the list's own end, in this order; nil if it may build it.
  ///
  /// `system` are the names of the host's @system set; `created` is when a build was signed, `now` if
  /// the question is about the future.
  public func objection(
    to issuer: Issuer, building facts: PackageFacts, system: Set<String>, under policy: TrustPolicy,
    created: Timestamp? = nil, now: Timestamp
  ) -> RejectionReason? {
    if let revocation = revocation(of: issuer.key, at: now) {
      return .revoked(issuer: issuer.name, from: revocation.from)
    }
    if let from = issuer.from, (created ?? now) < from || now < from {
      return .beforeTrust(issuer: issuer.name, from: from)
    }
    if let until = issuer.until, now >= until {
      return .afterTrust(issuer: issuer.name, until: until)
    }
    if let part = issuer.bound(excluding: facts, system: system) {
      let value =
        switch part {
        case .repository: facts.repository
        case .package: facts.name
        case .architecture: facts.target.arch
        }
      return .outOfScope(issuer: issuer.name, part: part, value: value)
    }
    guard isNamed(issuer, by: policy) else {
      return .notNamed(issuer: issuer.name, policy: policy.description)
    }
    if let expires, expires <= now { return .trustListExpired(expires) }
    return nil
  }

  /// The issuers by name, with this host's own keys that no entry names.
  public var allIssuers: [Issuer] {
    let own = ownKeys.filter { key in !issuers.contains { $0.key == key } }.sorted()
    return issuers + own.compactMap { issuer(of: $0) }
  }

  /// Whether the policy lets this issuer's builds count; this host's own always do where the
  /// policy doesn't name others.
  private func isNamed(_ issuer: Issuer, by policy: TrustPolicy) -> Bool {
    let isOwn = ownKeys.contains(issuer.key)
    switch policy.rule {
    case .own: return isOwn
    case .systemIssuers: return isOwn || issuer.mayBuildSystem
    case .oneOf(let names), .agreeing(_, let names):
      return names.isEmpty || names.contains(issuer.name)
    }
  }
}
