import Testing
import Wire

@testable import Builder

@Suite struct PlacementTests {
  @Test func peerComesFirst() {
    #expect(Placement.of(peerHasIt: true, cloudTakesIt: true, rule: .explicit) == .peer)
  }

  @Test func cloudIsNeverAskedUnbidden() {
    #expect(Placement.of(peerHasIt: false, cloudTakesIt: true, rule: .never) == .local)
    #expect(Placement.of(peerHasIt: false, cloudTakesIt: true, rule: .standing(left: 0)) == .local)
    #expect(Placement.of(peerHasIt: false, cloudTakesIt: false, rule: .explicit) == .local)
    #expect(Placement.of(peerHasIt: false, cloudTakesIt: true, rule: .explicit) == .cloud)
    #expect(Placement.of(peerHasIt: false, cloudTakesIt: true, rule: .standing(left: 1)) == .cloud)
  }

  @Test func budgetLastsADay() {
    var budget = DailyBudget(limit: 2)
    let noon = Timestamp(86_400 * 10 + 43_200)
    #expect(budget.spend(now: noon) == true)
    #expect(budget.spend(now: noon) == true)
    let third = budget.spend(now: noon)
    #expect(!third)
    #expect(budget.left(now: noon - .seconds(86_400)) == 0, "a clock set back gives nothing")
    #expect(budget.left(now: noon + .seconds(43_200)) == 2)
    #expect(budget.spend(now: noon + .seconds(43_200)) == true)
    #expect(budget.left(now: noon + .seconds(43_201)) == 1)
  }

  @Test func desktopBuildsOnlyWhileItsOwnerIsAway() {
    let policy = IdlePolicy()
    let now = Instant.zero + .seconds(1_000)
    var seen = IdlePolicy.Observation(
      load: 0.1, ownLoad: 0, cores: 4, idleSince: now - .seconds(300), isOnBattery: false)
    #expect(policy.mayBegin(seen, now: now))
    seen.idleSince = now - .seconds(299)
    #expect(!policy.mayBegin(seen, now: now))
    seen.load = 5
    #expect(!policy.mayContinue(seen))
    seen.ownLoad = 4
    #expect(policy.mayContinue(seen), "its own load does not count")
    seen.isOnBattery = true
    #expect(!policy.mayContinue(seen))
  }
}
