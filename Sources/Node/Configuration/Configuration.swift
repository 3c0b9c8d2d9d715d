public import DHT
public import Emerge
public import Wire

/// Every setting of a node, with its default; docs/OPERATING.md explains them to the owner.
public struct Configuration: Sendable, Equatable {
  /// The name of the peer-to-peer network; nodes of different names can't talk to each other.
  public var network = "larder"
  /// What this node is for others.
  public var role = NodeRole.desktop
  /// Where peers reach this node.
  public var listen = Listen()
  /// The read-only HTTP server.
  public var http = HTTP()
  /// How Portage is run.
  public var portage = Portage()
  /// How much is fetched and served at once.
  public var transfer = Transfer()
  /// What is kept on disk.
  public var storage = Storage()
  /// Whether and what this node publishes.
  public var publish = Publish()
  /// The cloud tier that this node may ask.
  public var cloud = Cloud()
  /// The gateway that `larder cloud` runs.
  public var gateway = Gateway()
  /// The builds that `larder worker` does.
  public var worker = Worker()
  /// What this node passes on between others that can't reach each other.
  public var relay = Relay()
  /// The file to which the DHT writes down all that it is given, for finding faults; nil for none.
  public var journal: String?
  /// Whom look-ups in the DHT ask.
  public var lookup = LookupScope.all
  /// The group whose members may use the control socket; root may always.
  public var group = "larder"

  /// The settings of a node whose owner configured nothing.
  public init() {}

  /// Where peers reach this node.
  public struct Listen: Sendable, Equatable {
    /// The address that UDP and TCP are bound to; `::` is every one, or every IPv4 one on a machine
    /// without IPv6.
    public var address = "::"
    /// The port of both.
    public var port: UInt16 = 7782
    /// Addresses to announce; empty: what other nodes observed.
    public var advertise: [Address] = []
    /// The bootstrap file; nil: `bootstrap-peers.txt` beside the configuration.
    public var bootstrap: String?
    /// Whether this node shows itself to its local network and hears of others there.
    public var beacon = true
    /// Whether the router is asked to pass the port on to this node.
    public var portMapping = true
  }

  /// What this node passes on between others that can't reach each other.
  public struct Relay: Sendable, Equatable {
    /// Whether it does; nil: if it is a seeder.
    public var enabled: Bool?
    /// The bytes that may pass in an hour.
    public var quota = ByteCount.gibibytes(4)
    /// The bytes that may pass in an hour from or to one node.
    public var quotaPerPeer = ByteCount(512 << 20)
    /// The pairs of nodes that are served at once.
    public var slots = 64
  }

  /// The read-only HTTP server: binhost for the LAN, status page, metrics.
  public struct HTTP: Sendable, Equatable {
    /// Whether it runs.
    public var enabled = true
    /// The address that it is bound to.
    public var address = "127.0.0.1"
    /// Its port.
    public var port: UInt16 = 7783
    /// Names that requests may be addressed to, besides addresses, `localhost` and the host's name.
    public var names: [String] = []
  }

  /// How Portage is run.
  public struct Portage: Sendable, Equatable {
    /// Words put before each command, e.g. to enter a chroot.
    public var commandPrefix: [String] = []
    /// The Python helper that asks Portage.
    public var helper = "/usr/libexec/larder/larder-portage"
    /// Portage's own command.
    public var emerge = "emerge"
    /// The arguments of the daemon's own refresh after a repository sync; empty: no refresh.
    public var refresh = ["--update", "--deep", "--newuse", "@world"]
    /// How long one run of the helper may take.
    public var timeout = Duration.seconds(600)

    /// The defaults.
    public init() {}
  }

  /// How much is fetched and served at once.
  public struct Transfer: Sendable, Equatable {
    /// Bytes a second down; nil: unlimited.
    public var limitDown: ByteCount?
    /// Bytes a second up; nil: unlimited.
    public var limitUp: ByteCount?
    /// Bytes a second down from one peer; nil: unlimited.
    public var limitDownPerPeer: ByteCount?
    /// Bytes a second up to one peer; nil: unlimited.
    public var limitUpPerPeer: ByteCount?
    /// Whether bytes cost money here: nobody beyond the LAN is served, and what the daemon would fetch
    /// by itself waits.
    public var metered = false
    /// Hours with other rules; of those that hold the first decides.
    public var schedule: [TransferHours] = []
    /// Packages fetched at the same time.
    public var parallel = 4
    /// Peers served at the same time.
    public var connections = 100
    /// Whether what was fetched is announced, so that others can have it from here too.
    public var share = false
  }

  /// What is kept on disk.
  public struct Storage: Sendable, Equatable {
    /// The bytes that blobs may take; the least recently used go first.
    public var quota = ByteCount.gibibytes(20)
  }

  /// Whether and what this node publishes.
  public struct Publish: Sendable, Equatable {
    /// Whether packages built here are signed, announced and served.
    public var enabled = false
    /// Licence groups and licences whose binaries may be passed on.
    public var licences = ["@FREE", "@BINARY-REDISTRIBUTABLE"]
    /// How long a statement is valid.
    public var validity = Duration.seconds(60 * 86_400)
  }

  /// The cloud tier that this node may ask.
  public struct Cloud: Sendable, Equatable {
    /// The gateway's URL; nil: no cloud tier.
    public var gateway: String?
    /// The file with the bearer token.
    public var tokenFile: String?
    /// Builds a day that the daemon may ask for by itself; 0: only when the user asks.
    public var dailyLimit = 0
  }

  /// The gateway that `larder cloud` runs.
  public struct Gateway: Sendable, Equatable {
    /// The address that its HTTP API is bound to.
    public var address = "127.0.0.1"
    /// Its port.
    public var port: UInt16 = 7785
  }

  /// The builds that `larder worker` does.
  public struct Worker: Sendable, Equatable {
    /// The gateway's URL.
    public var gateway = "http://127.0.0.1:7785"
    /// The file with the worker's bearer token.
    public var tokenFile: String?
    /// The worker's name in the gateway's log; nil: the host's name.
    public var name: String?
    /// The prepared root that each build starts from: on Gentoo a stage3.
    public var template: String?
    /// Whether the template is a ROOT beside this system or a whole system.
    public var layout = WorkerSettings.Layout.wholeSystem
    /// Paths that builds may see, read-only, although they lie in /root, /home or /tmp.
    public var visible: [String] = []
    /// Directories of this system that are writable and empty in each build.
    public var scratch: [String] = []
    /// Words after `emerge` when dependencies are merged.
    public var dependencyOptions: [String] = []
    /// The longest time of one build.
    public var timeout = Duration.seconds(6 * 3_600)
  }
}
