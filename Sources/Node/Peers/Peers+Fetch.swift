import Cryptography
import DHT
import PeerNetwork
import Transfer
import Wire

extension Peers {
  /// How a fetch went, for the user.
  struct Fetched: Sendable {
    /// A resume and every peer that lied.
    var notes: [String] = []
  }

  /// Fetches a blob into the store from whoever announces it, showing its progress as `name`.
  ///
  /// Throws what the transfer throws; checked blocks stay for the next try.
  func fetch(
    _ root: ContentRoot, size: UInt64, from providers: [ProviderRecord], name: String,
    emit: @escaping ControlServer.Emit
  ) async throws -> Fetched {
    let known = neighbours.order(
      providers.map { provider in
        let relays = provider.relays.map { RelayDesk.Party(key: $0.key, address: $0.address) }
        return TransferService.Provider(
          key: provider.node, addresses: provider.addresses, relays: relays)
      })
    // The newest standing is enough: a slow terminal must not slow the transfer.
    let (standings, standing) = AsyncStream.makeStream(
      of: FetchProgress.self, bufferingPolicy: .bufferingNewest(1))
    return try await withThrowingTaskGroup(of: Fetched?.self) { tasks in
      tasks.addTask {
        for await progress in standings {
          try await emit(
            .progress(.init(task: "fetch \(name)", done: progress.bytes, total: progress.size)))
        }
        return nil
      }
      tasks.addTask {
        defer { standing.finish() }
        let report = try await names.during(name, of: root) {
          try await transfer.fetch(root, size: size, from: known) { standing.yield($0) }
        }
        return Fetched(report, name: name)
      }
      var fetched = Fetched()
      while let result = try await tasks.next() {
        if let result { fetched = result }
      }
      return fetched
    }
  }
}

extension Peers.Fetched {
  init(_ report: FetchReport, name: String) {
    if report.resumed > 0, report.resumed < report.size {
      notes.append(
        "\(name): resumed at \(ByteCount(report.resumed)) of \(ByteCount(report.size))")
    }
    for (key, offence) in report.banned.sorted(by: { $0.key < $1.key }) {
      notes.append("\(name): peer \(key) is banned: \(offence)")
    }
  }
}
