public import Trust

/// The owner's standing rule: which missing packages the daemon has built without being asked.
public struct StandingRule: Sendable, Equatable {
  /// What was asked for and has not ended.
  public var awaited: Set<Fingerprint>
  /// What ended badly lately: asked again, it would be answered the same.
  public var failed: Set<Fingerprint>
  /// How many requests are left today.
  public var left: Int

  /// A rule of these parts.
  public init(awaited: Set<Fingerprint>, failed: Set<Fingerprint>, left: Int) {
    self.awaited = awaited
    self.failed = failed
    self.left = left
  }

  /// The packages to ask for, in their order: at most as many as are left, each once.
  public func choice(of packages: [PackageFacts]) -> [PackageFacts] {
    var passed = awaited.union(failed)
    var chosen: [PackageFacts] = []
    for facts in packages {
      let rule = CloudRule.standing(left: left - chosen.count)
      guard let request = try? BuildRequest(facts),
        Placement.of(peerHasIt: false, cloudTakesIt: true, rule: rule) == .cloud,
        passed.insert(request.fingerprint).inserted
      else { continue }
      chosen.append(facts)
    }
    return chosen
  }
}
