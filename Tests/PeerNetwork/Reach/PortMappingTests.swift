import Dispatch
import Logging
import Synchronization
import Testing
import Wire

@testable import PeerNetwork

@Suite("Port mapping") struct PortMappingTests {
  /// A router that does what the test says.
  final class Router: PortMappingClient {
    let means: PortMapping.Means
    private let answer: Result<PortMapping, PortMappingError>
    let calls = Mutex<[String]>([])

    init(_ means: PortMapping.Means, _ answer: Result<PortMapping, PortMappingError>) {
      self.means = means
      self.answer = answer
    }

    func open(
      port: UInt16, previous: PortMapping?, lifetime: Duration
    ) throws(PortMappingError) -> PortMapping {
      calls.withLock { $0.append("open \(port)") }
      return try answer.get()
    }

    func close(_ mapping: PortMapping, port: UInt16) {
      calls.withLock { $0.append("close \(mapping.tcpPort)") }
    }
  }

  static func mapping(_ means: PortMapping.Means) -> PortMapping {
    PortMapping(
      means: means, ip: .v4(0x0506_0708), udpPort: 40_000, tcpPort: 40_000,
      lifetime: .seconds(1_200))
  }

  /// Runs the service until it said what is mapped, then ends it.
  private func mapped(_ routers: [Router]) async -> [PortMapping?] {
    let service = PortMappingService(
      port: 7_782, clients: routers, logger: Logger(label: "test"))
    let (changes, change) = AsyncStream.makeStream(of: PortMapping?.self)
    return await withTaskGroup(of: Void.self) { group in
      group.addTask { await service.run { change.yield($0) } }
      var seen: [PortMapping?] = []
      for await mapping in changes {
        seen.append(mapping)
        break
      }
      group.cancelAll()
      await group.waitForAll()
      return seen
    }
  }

  @Test func theMappingIsToldAndRemovedAtTheEnd() async {
    let router = Router(.natPMP, .success(Self.mapping(.natPMP)))
    #expect(await mapped([router]) == [Self.mapping(.natPMP)])
    #expect(router.calls.withLock { $0 } == ["open 7782", "close 40000"])
  }

  @Test func theSecondMeansIsTriedWhereTheFirstFails() async {
    let silent = Router(.natPMP, .failure(.noRouter))
    let router = Router(.upnp, .success(Self.mapping(.upnp)))
    #expect(await mapped([silent, router]) == [Self.mapping(.upnp)])
    #expect(silent.calls.withLock { $0 } == ["open 7782"])
    #expect(router.calls.withLock { $0 } == ["open 7782", "close 40000"])
  }

  /// A router whose answer never comes to an end.
  private final class EndlessRouter: PortMappingClient {
    let means = PortMapping.Means.upnp
    let hold = DispatchSemaphore(value: 0)

    func open(
      port: UInt16, previous: PortMapping?, lifetime: Duration
    ) throws(PortMappingError) -> PortMapping {
      hold.wait()
      throw .noRouter
    }

    func close(_ mapping: PortMapping, port: UInt16) {}
  }

  @Test func aRouterThatNeverEndsHoldsNobody() async {
    let router = EndlessRouter()
    defer { router.hold.signal() }
    let service = PortMappingService(
      port: 7_782, clients: [router], patience: .milliseconds(1), logger: Logger(label: "test"))
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await service.run { _ in } }
      while await service.problem == nil { await Task.yield() }
      group.cancelAll()
    }
    #expect(await service.problem == .endless)
  }

  @Test func theRouterBehindAnotherNATIsSeen() {
    var mapping = Self.mapping(.upnp)
    #expect(mapping.isPublic)
    for inside: UInt32 in [0x0A00_0001, 0x6440_0001, 0xC0A8_0001] {
      mapping.ip = .v4(inside)
      #expect(!mapping.isPublic)
    }
  }
}
