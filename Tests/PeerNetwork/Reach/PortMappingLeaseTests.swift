import Testing
import Wire

@testable import PeerNetwork

/// When a router is asked again, and when what it granted is over.
@Suite struct PortMappingLeaseTests {
  private static func mapping(port: UInt16 = 7_782, seconds: Int) -> PortMapping {
    PortMapping(
      means: .natPMP, ip: .v4(0x0501_0101), udpPort: port, tcpPort: port,
      lifetime: .seconds(seconds))
  }

  @Test(arguments: [(1_200, 600), (100, 50), (20, 30), (0, 30)])
  func itIsRenewedAfterHalfOfItsTime(granted: Int, pause: Int) {
    var lease = PortMappingLease()
    #expect(lease.mapping == nil)
    let isNew = lease.grant(Self.mapping(seconds: granted), now: .zero)
    #expect(isNew)
    #expect(lease.pause(now: .zero) == .seconds(pause))
    let isNewAgain = lease.grant(Self.mapping(seconds: granted), now: .zero + .seconds(pause))
    #expect(!isNewAgain)
    let hasMoved = lease.grant(Self.mapping(port: 1_025, seconds: granted), now: .zero)
    #expect(hasMoved)
  }

  @Test func aSilentRouterIsAskedEverMoreSeldom() {
    var lease = PortMappingLease()
    var pauses: [Duration] = []
    for _ in 0..<8 {
      lease.fail(now: .zero)
      pauses.append(lease.pause(now: .zero))
    }
    #expect(pauses == [60, 120, 240, 480, 960, 1_800, 1_800, 1_800].map { .seconds($0) })
    _ = lease.grant(Self.mapping(seconds: 1_200), now: .zero)
    #expect(lease.pause(now: .zero) == .seconds(600))
  }

  @Test func whatWasGrantedHoldsToItsEndAndNoLonger() {
    var lease = PortMappingLease()
    let mapping = Self.mapping(seconds: 1_200)
    _ = lease.grant(mapping, now: .zero)
    var now = Instant.zero + lease.pause(now: .zero)
    while now - .zero < mapping.lifetime {
      lease.fail(now: now)
      #expect(lease.mapping == mapping)
      now = now + lease.pause(now: now)
    }
    // It is noticed at once that the time is over, however late the router is asked again.
    #expect(now - .zero < mapping.lifetime + PortMappingLease.shortestPause)
    lease.fail(now: now)
    #expect(lease.mapping == nil)
  }
}
