import Wire

/// A set that forgets: members stand in two generations, and when the younger is of age the elder goes.
///
/// A member is remembered for one to two spans, at no cost for looking after single ones.
struct Generations<Member: Hashable & Sendable>: Sendable {
  /// The age at which the younger becomes the elder.
  let span: Duration
  /// Members of one generation.
  let limit: Int
  private var young: Set<Member> = []
  private var old: Set<Member> = []
  private var turned = Instant.zero

  /// An empty set.
  init(span: Duration, limit: Int) {
    self.span = span
    self.limit = limit
  }

  /// Whether nobody is remembered.
  var isEmpty: Bool { young.isEmpty && old.isEmpty }

  /// Whether the younger can take nobody in.
  var isFull: Bool { young.count >= limit }

  /// Whether a generation was full, so that who is not here may have been left out.
  var isIncomplete: Bool { isFull || old.count >= limit }

  /// Lets time pass; to be called before anything is asked.
  mutating func pass(to now: Instant) {
    if now - turned >= span { turn(now) }
  }

  /// Begins a new generation before its time.
  mutating func turn(_ now: Instant) {
    old = now - turned < span * 2 ? young : []
    young = []
    turned = now
  }

  /// Whether a member is remembered.
  func contains(_ member: Member) -> Bool { young.contains(member) || old.contains(member) }

  /// Remembers a member from now on, unless the younger generation is full.
  mutating func insert(_ member: Member) {
    if !isFull { young.insert(member) }
  }

  /// Forgets a member.
  mutating func remove(_ member: Member) {
    young.remove(member)
    old.remove(member)
  }
}
