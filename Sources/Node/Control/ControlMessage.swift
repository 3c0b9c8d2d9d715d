public import Binhost
import FoundationEssentials

/// What a command asks of the daemon: one JSON line on the control socket.
public enum ControlRequest: Codable, Sendable, Equatable {
  /// What the node is doing.
  case status
  /// Plan `arguments` as emerge would, and go as far as `until`.
  case resolve(arguments: [String], until: ResolveStage)
  /// Sign, announce and serve these finished packages.
  case publish(files: [String])
  /// Offer own builds of these packages (CATEGORY/NAME-VERSION) no longer.
  case withdraw(packages: [String])
  /// Ask the cloud tier for what no peer has; with `wait` the events follow until all is fetched.
  case request(arguments: [String], wait: Bool)
  /// Builds asked for earlier that became ready or failed since they were last shown.
  case inbox
  /// Plan @world anew, after a repository sync; answered before it is done.
  case refresh
  /// Read the trust list again.
  case reload
  /// Evict what the quota has no room for.
  case collect
  /// Keep the blobs of these packages (CATEGORY/NAME-VERSION) whatever the quota says, or no longer.
  case pin(packages: [String], isPinned: Bool)
  /// Installed packages that a key vouched for.
  case affected(key: String)
}

/// How far the resolver goes.
public enum ResolveStage: String, Codable, Sendable {
  /// Say which builds would be taken; fetch nothing.
  case plan
  /// Fetch, check and list what peers have.
  case fetch
  /// Besides, have the cloud tier build what still remains.
  case build
}

/// What the daemon answers: JSON lines, the last of which is `finished` or `failed`.
public enum ControlEvent: Codable, Sendable, Equatable {
  /// Work went on.
  case progress(Progress)
  /// One line for the user.
  case note(String)
  /// The resolver's table.
  case plan(PlanReport)
  /// The state of the node.
  case status(StatusSnapshot)
  /// Background builds that ended.
  case inbox([InboxRow])
  /// What was evicted.
  case collected(CollectReport)
  /// What became of packages that were to be published or withdrawn.
  case published([PublishRow])
  /// Builds that the cloud tier was asked for.
  case requested([RequestRow])
  /// Anything else, as one line of text each.
  case lines([String])
  /// The request is done.
  case finished
  /// The request failed: what happened, why, and what to do.
  case failed(String)

  /// How far one piece of long work is.
  public struct Progress: Codable, Sendable, Equatable {
    /// What is being done, e.g. `fetch app-misc/hello-1.0`.
    public var task: String
    /// Bytes or steps done.
    public var done: UInt64
    /// Bytes or steps in all; 0 if unknown.
    public var total: UInt64

    /// The progress of one task.
    public init(task: String, done: UInt64, total: UInt64) {
      self.task = task
      self.done = done
      self.total = total
    }
  }
}

/// The encoding of control messages: one line of JSON each.
enum ControlCodec {
  /// The longest line: a plan of some thousand packages.
  static let limit = 16 << 20

  static func encode(_ message: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try Array(encoder.encode(message)) + [10]
  }

  static func decode<M: Decodable>(_ type: M.Type, from line: [UInt8]) throws -> M {
    try JSONDecoder().decode(M.self, from: Data(line))
  }
}
