public import Cryptography
public import Wire

/// A node's own records and when each is to be published again.
///
/// Statements are kept as they were signed; announcements are kept as the bare content root, since
/// each round signs a new one. Items stand in the order of their keys, so that what is due together
/// is published as one sweep through the id space.
public struct Publisher: Sendable, Equatable {
  /// What is published.
  public enum Content: Sendable, Equatable {
    /// A signed build statement.
    case statement(Record)
    /// That this node has the blob whose content root is the key.
    case announcement
  }

  /// One record of ours.
  public struct Item: Sendable, Equatable {
    /// Where in the DHT.
    public let key: Bytes32
    /// What is published there.
    public let content: Content
    /// When it is to be published next.
    public internal(set) var due: Timestamp
    /// On how many nodes it was stored last time; 0 before the first.
    public internal(set) var storedOn: Int
    /// Rounds in a row that stored it nowhere.
    var failures = 0

    /// An item as it was written down.
    public init(key: Bytes32, content: Content, due: Timestamp, storedOn: Int) {
      self.key = key
      self.content = content
      self.due = due
      self.storedOn = storedOn
    }

    /// Whether both are the same publication, perhaps of different age.
    func isSame(as other: Item) -> Bool {
      guard key == other.key else { return false }
      switch (content, other.content) {
      case (.announcement, .announcement): return true
      case (.statement(let mine), .statement(let theirs)): return mine.sharesSlot(with: theirs)
      case (.announcement, .statement), (.statement, .announcement): return false
      }
    }
  }

  /// How long after a round the next follows: announcements live 25 hours.
  public static let interval = Duration.seconds(22 * 3_600)
  /// Items of one node.
  public static let limit = 200_000

  /// All items, by key.
  public private(set) var items: [Item] = []

  /// A publisher of nothing.
  public init() {}

  /// A publisher of what was written down; what exceeds `limit` is left out.
  public init(items: [Item]) {
    for item in items.prefix(Self.limit) { insert(item) }
  }

  /// Adds a statement, due at once, in place of an older one of its slot; false if it is not newer
  /// or there are `limit` items.
  @discardableResult
  public mutating func add(_ record: Record, now: Timestamp) -> Bool {
    insert(Item(key: record.key, content: .statement(record), due: now, storedOn: 0))
  }

  /// Adds the announcement of a blob, due at once; false if it is there or there are `limit` items.
  @discardableResult
  public mutating func announce(_ root: ContentRoot, now: Timestamp) -> Bool {
    insert(Item(key: root.bytes, content: .announcement, due: now, storedOn: 0))
  }

  /// Stops announcing a blob; what was announced ends with its life.
  public mutating func stopAnnouncing(_ root: ContentRoot) {
    items.removeAll { $0.key == root.bytes && $0.content == .announcement }
  }

  /// What is due, at most `limit` items in the order of keys; expired statements are dropped.
  public mutating func due(now: Timestamp, limit: Int) -> [Item] {
    items.removeAll {
      if case .statement(let record) = $0.content { return record.expires <= now }
      return false
    }
    var due: [Item] = []
    for item in items where item.due <= now && due.count < limit { due.append(item) }
    return due
  }

  /// When the next item is due; nil without items.
  public var nextDue: Timestamp? {
    var next: Timestamp?
    for item in items where item.due < next ?? Timestamp(.max) { next = item.due }
    return next
  }

  /// Whether some node stored a statement under this key last time.
  public func isStored(_ key: Bytes32) -> Bool {
    items[lowerBound(key)...].prefix { $0.key == key }.contains {
      $0.content != .announcement && $0.storedOn > 0
    }
  }

  /// The announcements that some node stored last time.
  public var announced: Int {
    items.count { $0.content == .announcement && $0.storedOn > 0 }
  }

  /// How far the sweep is behind its schedule.
  public func delay(now: Timestamp) -> Duration {
    guard let next = nextDue, next < now else { return .zero }
    return now - next
  }

  /// Notes how a round went for an item: stored nowhere, it comes again soon, ever less so.
  public mutating func published(_ item: Item, storedOn: Int, now: Timestamp) {
    guard let place = place(of: item) else { return }
    items[place].storedOn = storedOn
    if storedOn > 0 {
      items[place].failures = 0
      items[place].due = now + Self.interval
    } else {
      items[place].failures = min(items[place].failures + 1, 8)
      items[place].due = now + .seconds(15 << items[place].failures)
    }
  }

  /// Makes every announcement due, after the own addresses have changed.
  public mutating func renewAnnouncements(now: Timestamp) {
    for place in items.indices where items[place].content == .announcement {
      items[place].due = min(items[place].due, now)
    }
  }

  @discardableResult
  private mutating func insert(_ item: Item) -> Bool {
    if let place = place(of: item) {
      guard case .statement(let old) = items[place].content,
        case .statement(let new) = item.content, new.supersedes(old)
      else { return false }
      items[place] = item
      return true
    }
    guard items.count < Self.limit else { return false }
    items.insert(item, at: lowerBound(item.key))
    return true
  }

  private func place(of item: Item) -> Int? {
    var place = lowerBound(item.key)
    while place < items.count, items[place].key == item.key {
      if items[place].isSame(as: item) { return place }
      place += 1
    }
    return nil
  }

  private func lowerBound(_ key: Bytes32) -> Int {
    items.partitioningIndex(afterThose: { $0.key < key })
  }
}
