/// The last merge of every package version, gathered from emerge.log line by line.
public struct EmergeHistory: Sendable {
  /// One merge.
  public struct Merge: Sendable, Hashable {
    /// When emerge took it up, in Unix seconds.
    public var started: Int64
    /// When compiling began, if it was compiled.
    public var compiling: Int64?
    /// Whether a binary was merged.
    public var wasBinary = false
    /// When it was merged; nil where it failed or still runs.
    public var finished: Int64?

    /// Whether it was compiled here and merged.
    public var wasBuiltHere: Bool { compiling != nil && !wasBinary && finished != nil }
  }

  /// The last merge by package version.
  public private(set) var merges: [CPV: Merge] = [:]

  private let root: String?
  /// What is being merged to other roots, whose steps look the same.
  private var elsewhere: Set<CPV> = []

  /// Nothing read yet; with a root given, only merges to it count.
  public init(root: String? = nil) { self.root = root.map(Self.normal) }

  /// Takes in one line; lines of other things are passed over.
  public mutating func read(_ line: some StringProtocol) {
    guard let event = EmergeLog.event(line) else { return }
    if event.step == .started, let root {
      if Self.normal(event.root ?? "") == root {
        elsewhere.remove(event.cpv)
      } else {
        elsewhere.insert(event.cpv)
      }
    }
    guard !elsewhere.contains(event.cpv) else { return }
    switch event.step {
    case .started: merges[event.cpv] = Merge(started: event.time)
    case .compiling: merges[event.cpv]?.compiling = event.time
    case .mergingBinary: merges[event.cpv]?.wasBinary = true
    case .completed: merges[event.cpv]?.finished = event.time
    case .merging, .unmerged: break
    }
  }

  /// Takes in every line of a text.
  public mutating func read(text: some StringProtocol) {
    for line in text.split(separator: "\n") { read(line) }
  }

  private static func normal(_ root: String) -> String {
    var rest = root[...]
    while rest.last == "/" { rest.removeLast() }
    return String(rest)
  }
}
