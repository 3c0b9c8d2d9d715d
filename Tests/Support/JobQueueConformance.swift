public import Builder
public import Testing
import Trust
import Wire

/// What every job queue must do; each implementation's tests call `run`.
public enum JobQueueConformance {
  /// Checks an empty queue against the rules of the seam that hold although messages may be
  /// duplicated and reordered.
  public static func run(
    _ queue: any JobQueue, at place: SourceLocation = #_sourceLocation
  ) async throws {
    let start = Timestamp(1_000_000)
    let empty = try await queue.receive(limit: 5, hidden: .seconds(10), now: start)
    #expect(empty.isEmpty, sourceLocation: place)

    var rings: Set<Ring> = []
    for number in 0..<6 {
      let request = try RequestFixture.request(200 + number)
      let ring = Ring(fingerprint: request.fingerprint, priority: number % 3, attempt: number)
      rings.insert(ring)
      try await queue.ring(ring)
    }
    let first = try await queue.receive(limit: 4, hidden: .seconds(10), now: start)
    #expect(first.count <= 4 && !first.isEmpty, sourceLocation: place)
    var seen = first
    for _ in 0..<20 {
      let more = try await queue.receive(limit: 4, hidden: .seconds(10), now: start)
      if more.isEmpty { break }
      seen += more
    }
    #expect(Set(seen.map(\.ring)) == rings, "everything arrives", sourceLocation: place)
    #expect(
      Set(seen.map(\.receipt)).count == seen.count, "receipts differ", sourceLocation: place)

    let done = seen[0].ring
    for delivery in seen where delivery.ring == done {
      try await queue.acknowledge(delivery.receipt)
      try await queue.acknowledge(delivery.receipt)
    }
    try await queue.acknowledge("unknown")

    let hidden = try await queue.receive(
      limit: 20, hidden: .seconds(10), now: start + .seconds(9))
    #expect(hidden.isEmpty, "hidden for ten seconds", sourceLocation: place)
    let later = try await queue.receive(
      limit: 20, hidden: .seconds(10), now: start + .seconds(11))
    #expect(
      Set(later.map(\.ring)) == rings.subtracting([done]),
      "what is not acknowledged comes again", sourceLocation: place)
    let outlived = seen.filter { $0.ring != done }
    for delivery in outlived { try await queue.acknowledge(delivery.receipt) }
    for delivery in later { try await queue.acknowledge(delivery.receipt) }
    let rest = try await queue.receive(
      limit: 20, hidden: .seconds(10), now: start + .seconds(40))
    #expect(rest.isEmpty, sourceLocation: place)
  }
}
