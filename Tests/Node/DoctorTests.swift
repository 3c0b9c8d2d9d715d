import Binhost
import PeerNetwork
import Testing
import Wire

@testable import Node

@Suite("What the doctor says of the clock and of company") struct DoctorTests {
  private let now = NodeSamples.now + .seconds(86_400 * 365)

  private func status(_ change: (inout StatusSnapshot) -> Void) -> StatusSnapshot {
    var status = StatusSnapshot()
    status.peerCount = 3
    status.network.isJoined = true
    change(&status)
    return status
  }

  @Test func clockBeforeTheProgramWasMadeIsWrong() {
    let old = Doctor.clock(at: Timestamp(86_400), status { _ in })
    #expect(old.state == .wrong && old.advice.contains("NTP"))
  }

  @Test func clockThatOthersFindAheadIsWrong() {
    let found = Doctor.clock(at: now, status { $0.network.ownFromTheFuture = 4 })
    #expect(found.state == .wrong && found.found.contains("ahead"))
    #expect(found.found.contains("refused 4 of this node's records"))
  }

  @Test func othersRecordsFromTheFutureAreToldButMayBeTheirFault() {
    let found = Doctor.clock(at: now, status { $0.network.othersFromTheFuture = 2 })
    #expect(found.state == .notice && found.found.contains("behind"))
    #expect(!found.advice.isEmpty)
  }

  @Test func clockThatNobodyComparedIsNotCalledRight() {
    let alone = Doctor.clock(at: now, status { $0.network.isJoined = false })
    #expect(alone.state == .ok && alone.found.contains("not compared") == true)
    #expect(alone.found.contains("nobody answers"))
    #expect(Doctor.clock(at: now, nil).found.contains("the daemon is not running"))
    let fine = Doctor.clock(at: now, status { _ in })
    #expect(fine.state == .ok && fine.found.hasSuffix("none of 3 peers objects"))
  }

  @Test func lonelyNodeIsToldSo() {
    let alone = Doctor.company(status { $0.network.isJoined = false })
    #expect(alone.state == .notice && alone.found == "nobody answers")
    #expect(alone.advice.contains("bootstrap"))
    #expect(Doctor.company(status { _ in }).found == "3 known")
  }

  @Test(arguments: ReachKind.allCases)
  func eachKindOfReachIsSaidWithWhatToDo(kind: ReachKind) {
    let found = Doctor.reach(
      status {
        $0.reach.kind = kind.rawValue
        $0.reach.observed = ["5.20.0.1:7782"]
        $0.reach.neighbours = 2
      }, port: 7_782, mapsPorts: true)
    let isFine = [.open, .mapped, .cone].contains(kind)
    #expect(found.state == (isFine ? .ok : .notice))
    #expect(found.advice.isEmpty == isFine)
    #expect(found.found.contains("2 nodes of the local network"))
  }

  @Test func theRelaysThatLeadHereAreNamed() {
    for kind in [ReachKind.restricted, .symmetric] {
      let found = Doctor.reach(
        status {
          $0.reach.kind = kind.rawValue
          $0.reach.relays = ["0123456789abcdef at 5.10.0.1:7782"]
        }, port: 7_782, mapsPorts: true)
      #expect(found.found.contains("hole punching"))
      #expect(found.found.contains("0123456789abcdef at 5.10.0.1:7782"))
    }
  }

  @Test func aRouterThatRefusesIsNamed() {
    let found = Doctor.reach(
      status {
        $0.reach.kind = ReachKind.restricted.rawValue
        $0.reach.mappingProblem = "no router answers"
      }, port: 7_782, mapsPorts: true)
    #expect(found.advice.contains("no router answers"))
    #expect(found.advice.contains("listen.advertise"))
    for mapsPorts in [false, true] {
      let young = Doctor.reach(
        status { $0.reach.kind = ReachKind.restricted.rawValue }, port: 7_782, mapsPorts: mapsPorts)
      #expect(young.advice.contains("listen.port-mapping") != mapsPorts)
    }
  }
}
