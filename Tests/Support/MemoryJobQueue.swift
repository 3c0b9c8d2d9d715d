public import Builder
public import Wire

/// A job queue in memory which can duplicate, reorder and lose messages, as real ones may.
public actor MemoryJobQueue: JobQueue {
  /// How often, in percent, each fault happens.
  public struct Faults: Sendable {
    /// A message is stored twice.
    public var duplicates = 0
    /// A message is not stored.
    public var losses = 0
    /// Messages come in any order.
    public var reorders = false

    /// No faults.
    public init() {}
  }

  private struct Message {
    var ring: Ring
    var number: Int
    var visible: Timestamp
    var receipt: Int
  }

  private var messages: [Message] = []
  private var counter = 0
  private var random: SplitMix64
  private let faults: Faults

  /// An empty queue whose faults follow from `seed`.
  public init(faults: Faults = Faults(), seed: UInt64 = 0) {
    self.faults = faults
    random = SplitMix64(seed: seed)
  }

  /// How many messages are stored, hidden ones too.
  public var count: Int { messages.count }

  /// Stores a message, or none, or two.
  public func ring(_ ring: Ring) {
    var copies = 1
    if Int.random(in: 0..<100, using: &random) < faults.losses { copies -= 1 }
    if Int.random(in: 0..<100, using: &random) < faults.duplicates { copies += 1 }
    for _ in 0..<copies {
      counter += 1
      messages.append(
        Message(ring: ring, number: counter, visible: Timestamp(.min), receipt: 0))
    }
  }

  /// Takes visible messages.
  public func receive(limit: Int, hidden: Duration, now: Timestamp) -> [Delivery] {
    var visible = messages.indices.filter { messages[$0].visible <= now }
    if faults.reorders {
      visible.shuffle(using: &random)
    } else {
      visible.sort { left, right in
        let (a, b) = (messages[left], messages[right])
        return a.ring.priority == b.ring.priority
          ? a.number < b.number : a.ring.priority > b.ring.priority
      }
    }
    var taken: [Delivery] = []
    for index in visible.prefix(limit) {
      counter += 1
      messages[index].receipt = counter
      messages[index].visible = now + hidden
      taken.append(Delivery(ring: messages[index].ring, receipt: String(counter)))
    }
    return taken
  }

  /// Removes a message by its last receipt.
  public func acknowledge(_ receipt: String) {
    messages.removeAll { $0.receipt != 0 && String($0.receipt) == receipt }
  }
}
