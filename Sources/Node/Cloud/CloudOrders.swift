import FoundationEssentials
import Storage
import Trust
import Wire

/// The builds that were asked for in the background and have not ended; they outlive the daemon.
struct CloudOrders: Sendable {
  /// A build asked for in the background.
  struct Order: Codable, Sendable, Equatable {
    /// The name of the request.
    let group: String
    let facts: PackageFacts
    /// When; nil in what an older version wrote down.
    let asked: Timestamp?
  }

  private let catalog: Catalog
  /// Held while the orders are read and written: others come while one ends.
  private let turn = Turn()

  init(catalog: Catalog) {
    self.catalog = catalog
  }

  /// All of them, oldest first.
  func all() async throws -> [Order] {
    guard let bytes = try await catalog.state(Self.stateName) else { return [] }
    return (try? JSONDecoder().decode([Order].self, from: Data(bytes))) ?? []
  }

  /// Adds orders at the end.
  func add(_ orders: [Order]) async throws {
    try await change { $0 += orders }
  }

  /// Strikes an order out; one that isn't there is none.
  func remove(_ order: Order) async throws {
    try await change { $0.removeAll { $0 == order } }
  }

  private static let stateName = "cloud-orders"

  private func change(_ body: @escaping @Sendable (inout [Order]) -> Void) async throws {
    try await turn.take {
      var orders = try await all()
      body(&orders)
      try await catalog.setState(Self.stateName, to: Array(JSONEncoder().encode(orders)))
    }
  }
}
