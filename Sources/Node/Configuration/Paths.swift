/// Where everything of one node lies; every path follows `--root DIR`, so that many nodes can live on
/// one machine.
public struct Paths: Sendable, Equatable {
  /// The prefix of all the others: empty on an installed system.
  public let root: String

  /// The paths under `root`; `/` and the empty text mean the system itself.
  public init(root: String) {
    var trimmed = root
    while trimmed.hasSuffix("/") { trimmed.removeLast() }
    self.root = trimmed
  }

  /// The configuration directory.
  public var configuration: String { "\(root)/etc/larder" }
  /// The configuration file.
  public var configurationFile: String { "\(configuration)/larder.yaml" }
  /// The directory of issuers' keys and `trust.yaml`.
  public var trust: String { "\(configuration)/trust" }
  /// The peers that a node without contacts asks first.
  public var bootstrap: String { "\(configuration)/bootstrap-peers.txt" }
  /// What the node keeps.
  public var state: String { "\(root)/var/lib/larder" }
  /// The node's and the issuer's secret keys, readable by root only.
  public var keys: String { "\(state)/keys" }
  /// The secret key of the node's identity.
  public var nodeKey: String { "\(keys)/node.key" }
  /// The secret key that signs builds.
  public var issuerKey: String { "\(keys)/issuer.key" }
  /// The blob store.
  public var blobs: String { "\(state)/blobs" }
  /// The catalog's database.
  public var catalog: String { "\(state)/larder.sqlite" }
  /// The directories that Portage reads; `current` among them is the one in use.
  public var binhost: String { "\(state)/binhost" }
  /// The gateway's uploads before they are checked.
  public var staging: String { "\(state)/staging" }
  /// The hashes of the gateway's bearer tokens.
  public var tokens: String { "\(state)/tokens.json" }
  /// The worker's builds.
  public var work: String { "\(state)/work" }
  /// Files of the running daemon.
  public var run: String { "\(root)/run/larder" }
  /// The socket over which commands talk to the daemon.
  public var controlSocket: String { "\(run)/control.sock" }
  /// Held locked by the one daemon of this root.
  public var lock: String { "\(state)/daemon.lock" }
}
