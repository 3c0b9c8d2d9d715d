import Transfer
import Wire

/// Two streams over a simulated path, with a CUBIC flow beside them if wanted.
struct StreamWorld {
  /// One end: its stream and what its application does.
  struct End {
    var stream: ReliableStream
    var address: Address
    /// The bytes that the application still wants to write; nil for as many as there is room for.
    var left: UInt64? = 0
    var written: UInt64 = 0
    var read: UInt64 = 0
    /// Whether every byte was the right one.
    var isRight = true
    var finishes = true
    /// How many bytes the application reads at each event.
    var appetite = Int.max
    var peak = 0
    var wakes: Instant?
  }

  enum Event {
    case packet(to: Int, address: Address, from: Address, number: UInt64, frames: [UInt8])
    case wake(Int)
    case change(Int, Address)
    case cubic(Int)
    case cubicBack(Int)
    case startCubic
    case stopCubic
  }

  var ends: [End]
  var links: [SimulatedLink]
  var cubic = CubicFlow()
  var now = Instant.zero
  var random: SplitMix64
  /// Whether bytes are checked; off where only the rate counts.
  var checks = true
  /// Whether nothing more needs to happen; asked after every event.
  var isOver: ((StreamWorld) -> Bool)?
  private var events = EventQueue<Event>()
  private var scratch: [UInt8] = []

  init(
    seed: UInt64, link: SimulatedLink, settings: StreamSettings = StreamSettings(),
    answering: StreamSettings? = nil
  ) {
    random = SplitMix64(seed: seed)
    links = [link, link]
    let first = Self.address(1)
    let second = Self.address(2)
    let back = answering ?? settings
    let trip = link.delay * 2
    ends = [
      End(
        stream: ReliableStream(
          settings: settings, path: second, credit: ReliableStream.firstCredit(back),
          roundTrip: trip, now: .zero),
        address: first),
      End(
        stream: ReliableStream(
          settings: back, path: first, credit: ReliableStream.firstCredit(settings),
          roundTrip: nil, now: .zero),
        address: second),
    ]
  }

  static func address(_ host: UInt8) -> Address {
    Address(ip: .v4(0x0A00_0000 | UInt32(host)), port: 7_782)
  }

  static func byte(at offset: UInt64) -> UInt8 {
    UInt8(truncatingIfNeeded: offset &* 31 ^ (offset >> 8) ^ (offset >> 16))
  }

  mutating func schedule(_ event: Event, at time: Instant) {
    events.add(event, at: time)
  }

  /// Runs until a time, or until nothing happens any more, or until `isOver` says so.
  mutating func run(until end: Instant) {
    serve(0)
    serve(1)
    while let next = events.next, next <= end, let (time, event) = events.popFirst() {
      now = time
      handle(event)
      if let isOver, isOver(self) { return }
    }
    now = max(now, end)
  }

  private mutating func handle(_ event: Event) {
    switch event {
    case .packet(let end, let address, let from, let number, let frames):
      guard ends[end].address == address else { return }
      frames.withUnsafeBytes { bytes in
        ends[end].stream.receive(bytes, number: number, from: from, now: now, using: &random)
      }
      serve(end)
    case .wake(let end):
      if ends[end].wakes == now { ends[end].wakes = nil }
      ends[end].stream.tick(now: now)
      serve(end)
    case .change(let end, let address):
      ends[end].address = address
      serve(end)
    case .cubic(let number): events.add(.cubicBack(number), at: now + links[1].delay)
    case .cubicBack(let number):
      cubic.arrived(number, now: now)
      sendCubic()
    case .startCubic:
      cubic.isRunning = true
      sendCubic()
    case .stopCubic: cubic.isRunning = false
    }
  }

  private mutating func sendCubic() {
    for number in cubic.packets(now: now) {
      let arrivals = links[0].arrivals(CubicFlow.packet, now: now, using: &random)
      for time in arrivals { events.add(.cubic(number), at: time) }
    }
  }

  /// Lets the application at an end write and read, and its packets leave.
  mutating func serve(_ end: Int) {
    write(end)
    read(end)
    scratch.removeAll(keepingCapacity: true)
    while let packet = ends[end].stream.nextPacket(now: now, into: &scratch) {
      let size = scratch.count + ReliableStream.overhead
      for time in links[end].arrivals(size, now: now, using: &random) {
        let event = Event.packet(
          to: 1 - end, address: packet.address, from: ends[end].address, number: packet.number,
          frames: scratch)
        events.add(event, at: time)
      }
      scratch.removeAll(keepingCapacity: true)
    }
    ends[end].peak = max(ends[end].peak, ends[end].stream.allocated)
    let isHungry = ends[end].stream.readable > 0
    guard isHungry || !ends[end].stream.isGone(now: now) else { return }
    let deadline = isHungry ? now + .milliseconds(5) : ends[end].stream.nextDeadline
    let due = max(min(deadline, ends[end].stream.nextDeadline), now + .microseconds(1))
    guard ends[end].wakes.map({ due < $0 }) ?? true else { return }
    ends[end].wakes = due
    events.add(.wake(end), at: due)
  }

  private mutating func write(_ end: Int) {
    let room = ends[end].stream.writable
    let count = min(UInt64(room), ends[end].left ?? .max)
    if count > 0 {
      let start = ends[end].written
      var bytes = [UInt8](repeating: 0, count: Int(count))
      if checks {
        for index in bytes.indices { bytes[index] = Self.byte(at: start + UInt64(index)) }
      }
      bytes.withUnsafeBytes { ends[end].stream.write($0) }
      ends[end].written += count
      if let left = ends[end].left { ends[end].left = left - count }
    }
    if ends[end].left == 0, ends[end].finishes { ends[end].stream.finish() }
  }

  private mutating func read(_ end: Int) {
    var offset = ends[end].read
    var isRight = true
    let checks = checks
    ends[end].stream.read(ends[end].appetite, now: now) { bytes in
      if checks {
        for byte in bytes {
          if byte != Self.byte(at: offset) { isRight = false }
          offset += 1
        }
      } else {
        offset += UInt64(bytes.count)
      }
    }
    ends[end].read = offset
    if !isRight { ends[end].isRight = false }
  }
}
