import Testing
import Transfer
import Wire

/// The order in which ways to a node are tried.
@Suite struct ApproachTests {
  private static let all = Set(Approach.Way.allCases)

  private func at(_ milliseconds: Int64) -> Instant { .zero + .milliseconds(milliseconds) }

  @Test func tcpGoesFirstAndAlone() {
    var approach = Approach(by: Self.all, now: .zero)
    #expect(approach.step(now: .zero, isReached: false) == [.begin(.tcp)])
    #expect(approach.nextDeadline == at(300))
    #expect(approach.step(now: at(299), isReached: false).isEmpty)
  }

  @Test func datagramsAndThePunchFollowAfterTheHeadStart() {
    var approach = Approach(by: Self.all, now: .zero)
    _ = approach.step(now: .zero, isReached: false)
    let actions = approach.step(now: at(300), isReached: false)
    #expect(actions == [.begin(.datagrams), .begin(.punch)])
    #expect(approach.nextDeadline == at(1_800))
  }

  @Test func theyFollowAtOnceWhenTCPFails() {
    var approach = Approach(by: Self.all, now: .zero)
    _ = approach.step(now: .zero, isReached: false)
    let actions = approach.ended(.tcp, .failed, now: at(3), isReached: false)
    #expect(actions == [.begin(.datagrams), .begin(.punch)])
  }

  @Test func theRelayIsLastAndDoesNotWaitForASilentAddress() {
    var approach = Approach(by: Self.all, now: .zero)
    _ = approach.step(now: .zero, isReached: false)
    _ = approach.ended(.tcp, .failed, now: at(10), isReached: false)
    // The punch failed, UDP to the announced address still waits.
    let actions = approach.ended(.punch, .failed, now: at(900), isReached: false)
    #expect(actions == [.begin(.relay)])
    #expect(approach.nextDeadline == nil)
  }

  @Test func theRelayBeginsInTimeWhateverHangs() {
    var approach = Approach(by: Self.all, now: .zero)
    _ = approach.step(now: .zero, isReached: false)
    _ = approach.step(now: at(300), isReached: false)
    #expect(approach.step(now: at(1_799), isReached: false).isEmpty)
    #expect(approach.step(now: at(1_800), isReached: false) == [.begin(.relay)])
  }

  @Test func nothingFollowsOnceTheNodeIsReached() {
    var approach = Approach(by: Self.all, now: .zero)
    _ = approach.step(now: .zero, isReached: false)
    #expect(approach.step(now: at(300), isReached: true).isEmpty)
    #expect(approach.isOver && approach.nextDeadline == nil)
    #expect(approach.ended(.tcp, .failed, now: at(400), isReached: false).isEmpty)
  }

  @Test func aConversationThatIsOverWasReachedToo() {
    var approach = Approach(by: Self.all, now: .zero)
    _ = approach.step(now: .zero, isReached: false)
    #expect(approach.ended(.tcp, .carried, now: at(100), isReached: false).isEmpty)
    #expect(approach.isOver)
  }

  @Test func aRefusalEndsEveryOtherWay() {
    var approach = Approach(by: Self.all, now: .zero)
    _ = approach.step(now: .zero, isReached: false)
    #expect(approach.ended(.tcp, .refused, now: at(20), isReached: false) == [.fail])
    #expect(approach.isOver && approach.nextDeadline == nil)
    // Where another way led to the node before, nobody is given up.
    var reached = Approach(by: Self.all, now: .zero)
    _ = reached.step(now: .zero, isReached: false)
    #expect(reached.ended(.tcp, .refused, now: at(20), isReached: true).isEmpty)
    #expect(reached.isOver)
  }

  @Test(arguments: [Set([Approach.Way.tcp]), [.tcp, .datagrams], all])
  func itFailsOnceWhenAllWaysEnded(ways: Set<Approach.Way>) {
    var approach = Approach(by: ways, now: .zero)
    var actions = approach.step(now: .zero, isReached: false)
    var failures = 0
    var begun: [Approach.Way] = []
    while let action = actions.first {
      actions.removeFirst()
      switch action {
      case .begin(let way):
        begun.append(way)
        actions += approach.ended(way, .failed, now: at(1), isReached: false)
      case .fail: failures += 1
      }
    }
    #expect(Set(begun) == ways && begun.count == ways.count)
    #expect(failures == 1 && approach.isOver)
  }

  @Test func withoutAnyWayItFailsAtOnce() {
    var approach = Approach(by: [], now: .zero)
    #expect(approach.step(now: .zero, isReached: false) == [.fail])
  }
}
