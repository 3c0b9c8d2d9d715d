import Testing
import Transfer
import Wire

/// Who opens and who seeks, and how much that may cost.
@Suite struct BirthdayProbeTests {
  @Test func onlyASymmetricNATAgainstARestrictedOneIsProbed() {
    #expect(BirthdayProbe.role(own: .symmetric, peer: .restricted) == .opener)
    #expect(BirthdayProbe.role(own: .restricted, peer: .symmetric) == .seeker)
    for nat in BirthdayProbe.NAT.allCases {
      #expect(BirthdayProbe.role(own: nat, peer: nat) == nil)
      #expect(BirthdayProbe.role(own: .other, peer: nat) == nil)
      #expect(BirthdayProbe.role(own: nat, peer: .other) == nil)
    }
  }

  /// All that a probe does until it ends by itself, with when.
  private func run(
    _ role: BirthdayProbe.Role, seed: UInt64 = 1
  ) -> [(at: Instant, action: BirthdayProbe.Action)] {
    var random = SplitMix64(seed: seed)
    var probe = BirthdayProbe(role: role, now: .zero)
    var done: [(at: Instant, action: BirthdayProbe.Action)] = []
    while let due = probe.nextDeadline {
      for action in probe.tick(now: due, using: &random) { done.append((due, action)) }
    }
    return done
  }

  @Test func theSeekerSendsABoundedNumberAndEnds() {
    let done = run(.seeker)
    var ports: [UInt16] = []
    for case .send(let some) in done.map(\.action) { ports += some }
    #expect(ports.count == BirthdayProbe.datagrams)
    #expect(ports.allSatisfy { $0 >= 1_024 })
    #expect(done.last?.action == .giveUp)
    #expect((done.last?.at ?? .zero) - .zero == BirthdayProbe.span)
  }

  @Test func theOpenerOpensOnceAndRepeats() {
    let actions = run(.opener).map(\.action)
    #expect(actions.first == .open(BirthdayProbe.ports))
    #expect(actions.dropFirst().dropLast().allSatisfy { $0 == .repeatAll })
    #expect(actions.count <= 6 && actions.last == .giveUp)
  }

  @Test func aHitEndsIt() {
    var random = SplitMix64(seed: 1)
    var probe = BirthdayProbe(role: .seeker, now: .zero)
    _ = probe.tick(now: .zero, using: &random)
    probe.hit()
    #expect(probe.nextDeadline == nil)
    #expect(probe.tick(now: .zero + .seconds(1), using: &random).isEmpty)
  }

  @Test func mostProbesHit() {
    var random = SplitMix64(seed: 9)
    var hits = 0
    for seed in 0..<200 as Range<UInt64> {
      var open: Set<UInt16> = []
      while open.count < BirthdayProbe.ports {
        open.insert(UInt16.random(in: 1_024...UInt16.max, using: &random))
      }
      var isHit = false
      for case .send(let ports) in run(.seeker, seed: seed).map(\.action) {
        isHit = isHit || ports.contains { open.contains($0) }
      }
      if isHit { hits += 1 }
    }
    #expect(hits >= 188)
  }
}
