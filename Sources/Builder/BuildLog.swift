/// The last lines that a build printed, numbered from its start.
///
/// Bounded, because a job is stored whole at every heartbeat and a build may print for ever.
public struct BuildLog: Sendable, Equatable, Codable {
  /// How many lines are kept; the oldest go first.
  public static let capacity = 400
  /// How many UTF-8 bytes of one line are kept.
  public static let lineLength = 500
  /// How many lines one heartbeat may bring.
  public static let linesPerHeartbeat = 200

  /// The number of the oldest line that is kept.
  public private(set) var first: UInt64
  /// The lines kept, oldest first.
  public private(set) var lines: [String]

  /// A log without lines, whose next line has this number.
  public init(first: UInt64 = 0) {
    self.first = first
    lines = []
  }

  /// The number that the next line will have.
  public var next: UInt64 { first &+ UInt64(lines.count) }

  /// Appends lines, cut to `lineLength` and freed of control characters.
  public mutating func append(_ added: some Collection<String>) {
    for line in added { lines.append(Self.clean(line)) }
    let surplus = lines.count - Self.capacity
    if surplus > 0 {
      lines.removeFirst(surplus)
      first &+= UInt64(surplus)
    }
  }

  /// The kept lines whose number is at least `number`, and the number that follows the last.
  public func since(_ number: UInt64) -> (lines: ArraySlice<String>, next: UInt64) {
    guard number < next else { return ([], next) }
    let skipped = number > first ? Int(number - first) : 0
    return (lines[skipped...], next)
  }

  /// The line without control characters (terminals obey them), cut at a character's boundary.
  public static func clean(_ line: String) -> String {
    var out = String.UnicodeScalarView()
    var length = 0
    for scalar in line.unicodeScalars {
      guard scalar == "\t" || scalar.value >= 32, scalar.value < 127 || scalar.value > 159 else {
        continue
      }
      length += UTF8.width(scalar)
      guard length <= lineLength else { break }
      out.append(scalar)
    }
    return String(out)
  }
}
