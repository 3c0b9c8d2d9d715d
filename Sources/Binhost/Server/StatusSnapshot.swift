/// What the status page shows, filled by the node each time somebody asks.
///
/// Every text in it may come from a peer: the page prints it as text, never as markup.
public struct StatusSnapshot: Codable, Sendable, Equatable {
  /// This node.
  public struct Node: Codable, Sendable, Equatable {
    /// The public key in hexadecimal.
    public var key = ""
    /// The version of the program.
    public var version = ""
    /// `desktop` or `seeder`.
    public var role = "desktop"
    /// The addresses that it announces.
    public var addresses: [String] = []
    /// Seconds since the start.
    public var uptime: Int64 = 0

    /// An unknown node.
    public init() {}
  }

  /// Another node.
  public struct Peer: Codable, Sendable, Equatable {
    /// Its key in hexadecimal.
    public var key: String
    /// Where it is.
    public var address: String
    /// What is known of it besides: a role, a ban and its reason; may be empty.
    public var note: String

    /// A peer of these parts.
    public init(key: String, address: String, note: String = "") {
      self.key = key
      self.address = address
      self.note = note
    }
  }

  /// The records of the distributed table.
  public struct Records: Codable, Sendable, Equatable {
    /// Build statements that this node keeps for others.
    public var statements = 0
    /// Provider announcements that this node keeps for others.
    public var providers = 0
    /// Builds of its own that it announces.
    public var published = 0
    /// Blobs here that other nodes know this node provides.
    public var announced = 0

    /// No records.
    public init() {}
  }

  /// The blobs on disk.
  public struct Blobs: Codable, Sendable, Equatable {
    /// Complete blobs.
    public var count = 0
    /// Their bytes.
    public var bytes: UInt64 = 0
    /// The bytes that they may take; 0 if there is no quota.
    public var quota: UInt64 = 0
    /// Packages that Portage can take now.
    public var listed = 0
    /// The `TIMESTAMP` of the index; 0 before the first.
    public var indexed: Int64 = 0

    /// No blobs.
    public init() {}
  }

  /// A fetch under way.
  public struct Transfer: Codable, Sendable, Equatable {
    /// The package, or the blob's name.
    public var name: String
    /// The bytes here.
    public var done: UInt64
    /// The bytes of the whole.
    public var size: UInt64
    /// Peers that give.
    public var peers: Int

    /// A fetch of these parts.
    public init(name: String, done: UInt64, size: UInt64, peers: Int) {
      self.name = name
      self.done = done
      self.size = size
      self.peers = peers
    }
  }

  /// The bytes moved since the start.
  public struct Traffic: Codable, Sendable, Equatable {
    /// Bytes received.
    public var received: UInt64 = 0
    /// Bytes sent.
    public var sent: UInt64 = 0

    /// No traffic.
    public init() {}
  }

  /// A build that was asked for.
  public struct Job: Codable, Sendable, Equatable {
    /// `category/package-version`.
    public var name: String
    /// Its state in a word.
    public var state: String
    /// Seconds in that state.
    public var age: Int64
    /// The worker, the last line of the log or the failure; may be empty.
    public var detail: String

    /// A job of these parts.
    public init(name: String, state: String, age: Int64, detail: String = "") {
      self.name = name
      self.state = state
      self.age = age
      self.detail = detail
    }
  }

  /// How often a wanted package was found built.
  public struct Lookups: Codable, Sendable, Equatable {
    /// Packages that an accepted build was found for.
    public var hits: Int64 = 0
    /// Packages that none was found for.
    public var misses: Int64 = 0

    /// No look-ups.
    public init() {}
  }

  /// What other nodes tell this one by how they answer.
  public struct Network: Codable, Sendable, Equatable {
    /// Whether a node answers.
    public var isJoined = false
    /// Own records that others refused as dated in the future, since the start.
    public var ownFromTheFuture: UInt64 = 0
    /// Others' records dated in this node's future, since the start.
    public var othersFromTheFuture: UInt64 = 0

    /// A node alone.
    public init() {}
  }

  /// The distributed table as an operator looks at it.
  public struct Table: Codable, Sendable, Equatable {
    /// Contacts whose last request was answered.
    public var answering = 0
    /// Contacts that missed one request.
    public var doubtful = 0
    /// Contacts that missed two or more.
    public var silent = 0
    /// The estimated number of nodes; 0 if nothing is known.
    public var estimatedNodes = 0
    /// The upper bounds of the classes of `lookups` in seconds; one class more has none.
    public var lookupBounds: [Double] = []
    /// Look-ups by how long they took.
    public var lookups: [UInt64] = []
    /// Records that others gave to keep and that were kept.
    public var storesAccepted: UInt64 = 0
    /// Those that were refused, by reason.
    public var storesRefused: [String: UInt64] = [:]
    /// Cookies that were shown and are not valid.
    public var cookiesRefused: UInt64 = 0
    /// Datagrams that came in.
    public var datagramsReceived: UInt64 = 0
    /// Datagrams that went out.
    public var datagramsSent: UInt64 = 0
    /// Seconds by which publishing own records is behind its schedule.
    public var publishDelay: Int64 = 0

    /// An empty table.
    public init() {}
  }

  /// How others reach this node.
  public struct Reach: Codable, Sendable, Equatable {
    /// What stands between, in a word.
    public var kind = "unknown"
    /// The addresses at which others see this node.
    public var observed: [String] = []
    /// What the router passes on, and by which protocol it was asked; nil if nothing.
    public var mapped: String?
    /// Why nothing is mapped; nil if something is or nobody was asked.
    public var mappingProblem: String?
    /// Nodes of the local network that were heard lately.
    public var neighbours = 0
    /// Where relays pass on what others send to this node: their keys and addresses.
    public var relays: [String] = []

    /// Nothing known.
    public init() {}
  }

  /// What this node passes on between others that can't reach each other.
  public struct Relay: Codable, Sendable, Equatable {
    /// Whether it does so at all.
    public var isEnabled = false
    /// Pairs of nodes that it serves now.
    public var pairs = 0
    /// Nodes that registered with it.
    public var guests = 0
    /// The bytes passed on since the start.
    public var bytes: UInt64 = 0
    /// Pairs whose service ended because a quota was used up.
    public var overQuota: UInt64 = 0

    /// Nothing.
    public init() {}
  }

  /// The most peers, transfers or jobs that are shown.
  public static let mostRows = 200

  /// This node.
  public var node = Node()
  /// The number of peers known, of which `peers` holds at most `mostRows`.
  public var peerCount = 0
  /// The peers heard of last.
  public var peers: [Peer] = []
  /// The records kept.
  public var records = Records()
  /// The blobs kept.
  public var blobs = Blobs()
  /// The fetches under way.
  public var transfers: [Transfer] = []
  /// The bytes moved.
  public var traffic = Traffic()
  /// The builds asked for, newest first.
  public var jobs: [Job] = []
  /// The look-ups.
  public var lookups = Lookups()
  /// The distributed table.
  public var table = Table()
  /// What the owner should know, each in a sentence.
  public var warnings: [String] = []
  /// Own packages that were not published lately, with the reasons: paths and names of variables.
  public var refusals: [String] = []
  /// What the network says of this node.
  public var network = Network()

  /// How others reach this node.
  public var reach = Reach()
  /// What this node passes on between others.
  public var relay = Relay()

  /// An empty snapshot.
  public init() {}

  /// What other machines may see: no peer's key or address, no address of this node, and nothing of
  /// what went wrong, which names paths, variables and hosts.
  var reduced: StatusSnapshot {
    var reduced = self
    reduced.node.addresses = []
    reduced.reach = Reach()
    reduced.peerCount = max(peerCount, peers.count)
    reduced.peers = []
    reduced.refusals = []
    let count = warnings.count + refusals.count
    let notes = count == 1 ? "1 note" : "\(count) notes"
    reduced.warnings = count == 0 ? [] : ["\(notes) for the owner: see larder status there"]
    for index in reduced.jobs.indices { reduced.jobs[index].detail = "" }
    return reduced
  }

  /// The snapshot with no more rows than are shown.
  var bounded: StatusSnapshot {
    var bounded = self
    bounded.peerCount = max(peerCount, peers.count)
    bounded.peers = Array(peers.prefix(Self.mostRows))
    bounded.transfers = Array(transfers.prefix(Self.mostRows))
    bounded.jobs = Array(jobs.prefix(Self.mostRows))
    bounded.warnings = Array(warnings.prefix(20))
    bounded.refusals = Array(refusals.prefix(20))
    return bounded
  }
}
