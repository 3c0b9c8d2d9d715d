import Wire

/// One direction of a path: a queue of so many bytes, drained at a rate, then a delay.
struct SimulatedLink {
  var delay = Duration.milliseconds(10)
  /// Bytes a second.
  var rate = 25e6
  /// Bytes that wait; more are dropped.
  var queue = 1_250_000
  var loss = 0.0
  var duplication = 0.0
  /// How many packets are held up by at most twice the delay.
  var reordering = 0.0
  /// Bytes of UDP payload; longer datagrams vanish.
  var mtu = 1_472

  /// IPv4 and UDP headers.
  static let headers = 28

  private var freeAt = Instant.zero
  private(set) var carried: UInt64 = 0
  private(set) var dropped = 0

  /// When a packet that enters now arrives, once for every copy.
  mutating func arrivals(
    _ size: Int, now: Instant, using random: inout SplitMix64
  ) -> [Instant] {
    guard size <= mtu else { return [] }
    if loss > 0, Double.random(in: 0..<1, using: &random) < loss {
      dropped += 1
      return []
    }
    let bytes = Double(size + Self.headers)
    freeAt = max(freeAt, now)
    guard (freeAt - now).inSeconds * rate + bytes <= Double(queue) else {
      dropped += 1
      return []
    }
    freeAt = freeAt + .nanoseconds(Int64(bytes / rate * 1e9))
    carried += UInt64(size)
    var arrival = freeAt + delay
    if reordering > 0, Double.random(in: 0..<1, using: &random) < reordering {
      arrival = arrival + delay * Double.random(in: 0..<2, using: &random)
    }
    guard duplication > 0, Double.random(in: 0..<1, using: &random) < duplication else {
      return [arrival]
    }
    return [arrival, arrival + delay]
  }
}

/// Events in the order of their times; at one time in the order they were added.
struct EventQueue<Event> {
  private var heap: [(time: Instant, turn: Int, event: Event)] = []
  private var turn = 0

  var next: Instant? { heap.first?.time }

  mutating func add(_ event: Event, at time: Instant) {
    turn += 1
    heap.append((time, turn, event))
    var at = heap.count - 1
    while at > 0, isBefore(at, (at - 1) / 2) {
      heap.swapAt(at, (at - 1) / 2)
      at = (at - 1) / 2
    }
  }

  mutating func popFirst() -> (time: Instant, event: Event)? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    if !heap.isEmpty {
      heap[0] = last
      sink()
    }
    return (first.time, first.event)
  }

  private mutating func sink() {
    var at = 0
    while 2 * at + 1 < heap.count {
      var child = 2 * at + 1
      if child + 1 < heap.count, isBefore(child + 1, child) { child += 1 }
      guard isBefore(child, at) else { return }
      heap.swapAt(child, at)
      at = child
    }
  }

  private func isBefore(_ left: Int, _ right: Int) -> Bool {
    (heap[left].time, heap[left].turn) < (heap[right].time, heap[right].turn)
  }
}
