import Testing
import Wire

@testable import PeerNetwork

@Suite("Kinds of reach") struct ReachKindTests {
  static let inside = IPAddress.v4(0xC0A8_1402)
  static let outside = IPAddress.v4(0x0514_0001)
  static let mapping = PortMapping(
    means: .natPMP, ip: outside, udpPort: 7_782, tcpPort: 7_782, lifetime: .seconds(1_200))

  static func seen(_ ports: UInt16...) -> [Address] {
    ports.map { Address(ip: outside, port: $0) }
  }

  static func kind(
    own: [IPAddress] = [inside], _ observed: [Address], _ mapping: PortMapping? = nil,
    isReached: Bool? = nil
  ) -> ReachKind {
    ReachKind(own: own, observed: observed, mapping: mapping, isReached: isReached)
  }

  @Test func nothingIsKnownBeforeSomebodyOutsideTells() {
    #expect(Self.kind([]) == .unknown)
    #expect(Self.kind([Address(ip: Self.inside, port: 7_782)]) == .unknown)
  }

  @Test func ownAddressMeansNoNAT() {
    #expect(Self.kind(own: [Self.outside], Self.seen(7_782)) == .open)
    #expect(Self.kind(own: [Self.outside], Self.seen(7_782), isReached: true) == .open)
    #expect(Self.kind(own: [Self.outside], Self.seen(7_782), isReached: false) == .firewalled)
  }

  @Test func aMappedPortBeatsWhatTheNATIs() {
    #expect(Self.kind(Self.seen(7_782), Self.mapping) == .mapped)
    #expect(Self.kind(Self.seen(7_782, 40_000), Self.mapping) == .mapped)
    #expect(Self.kind([], Self.mapping) == .mapped)
  }

  @Test func aMappingBehindAnotherNATCountsForNothing() {
    var mapping = Self.mapping
    mapping.ip = .v4(0x6440_0001)
    #expect(Self.kind(Self.seen(7_782), mapping) == .restricted)
    #expect(Self.kind([], mapping) == .unknown)
  }

  @Test func twoPortsAreASymmetricNAT() {
    #expect(Self.kind(Self.seen(40_000, 40_001)) == .symmetric)
    #expect(Self.kind(Self.seen(40_000, 40_000)) == .restricted)
  }

  @Test func oneObserverAmongManyMakesNoSymmetricNAT() {
    #expect(Self.kind(Self.seen(40_000, 40_000, 1)) == .restricted)
    #expect(Self.kind(Self.seen(40_000, 40_001, 40_002, 40_003)) == .symmetric)
    #expect(Self.kind(Self.seen(40_000)) == .restricted)
  }

  @Test func whoIsReachedBehindANATHasACone() {
    #expect(Self.kind(Self.seen(40_000), isReached: true) == .cone)
    #expect(Self.kind(Self.seen(40_000), isReached: false) == .restricted)
  }
}
