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

  @Test func theOpenerOpensSomeAtATimeAndRepeats() {
    let actions = run(.opener).map(\.action)
    let opening = actions.prefix { $0 == .open(32) }
    #expect(opening.count * 32 == BirthdayProbe.ports)
    let rest = actions.dropFirst(opening.count).dropLast()
    #expect(rest.allSatisfy { $0 == .repeatAll } && (2...4).contains(rest.count))
    #expect(actions.last == .giveUp)
  }

  @Test(arguments: [BirthdayProbe.Role.opener, .seeker])
  func noRouterSeesMoreThanAHundredNewFlowsASecond(role: BirthdayProbe.Role) {
    var flows: [Instant: Int] = [:]
    for (at, action) in run(role) {
      switch action {
      case .open(let count): flows[at, default: 0] += count
      case .send(let ports): flows[at, default: 0] += ports.count
      case .repeatAll, .giveUp: break
      }
    }
    for begin in flows.keys {
      let second = flows.filter { $0.key >= begin && $0.key - begin < .milliseconds(960) }
      #expect(second.values.reduce(0, +) <= 96)
    }
  }

  @Test func whereNoSocketCanBeHadNoMoreAreAskedFor() {
    var random = SplitMix64(seed: 1)
    var probe = BirthdayProbe(role: .opener, now: .zero)
    _ = probe.tick(now: .zero, using: &random)
    probe.cannotOpen()
    while let due = probe.nextDeadline {
      for action in probe.tick(now: due, using: &random) {
        #expect(action == .repeatAll || action == .giveUp)
      }
    }
  }

  @Test func aHitEndsIt() {
    var random = SplitMix64(seed: 1)
    var probe = BirthdayProbe(role: .seeker, now: .zero)
    _ = probe.tick(now: .zero, using: &random)
    let counts = probe.heard(now: .zero)
    #expect(counts)
    #expect(probe.nextDeadline == nil)
    #expect(probe.tick(now: .zero + .seconds(1), using: &random).isEmpty)
  }

  @Test func anOpenerAnswersTheFirstKnockAndASeekerSome() {
    var opener = BirthdayProbe(role: .opener, now: .zero)
    var seeker = BirthdayProbe(role: .seeker, now: .zero)
    let opening = (0..<20).map { opener.heard(now: .zero + .seconds($0)) }
    #expect(opening == [true] + Array(repeating: false, count: 19))
    let seeking = (0..<20).map { _ in seeker.heard(now: .zero + .seconds(3)) }
    #expect(seeking.filter { $0 }.count == 8 && seeking.prefix(8).allSatisfy { $0 })
    // Long after its end it answers nobody: what comes then is replayed.
    var late = BirthdayProbe(role: .seeker, now: .zero)
    let isAnswered = late.heard(now: .zero + BirthdayProbe.span + .seconds(5))
    #expect(!isAnswered)
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
