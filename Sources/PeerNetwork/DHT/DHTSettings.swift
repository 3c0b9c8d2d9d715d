public import DHT
public import Wire

/// The numbers of the DHT's driver.
public struct DHTSettings: Sendable {
  /// Where to listen; port 0 takes a free one. `::` takes IPv4 too.
  public var bind = Address(ip: .v4(0), port: 7782)
  /// The name of the network: nodes of another one can't read our datagrams.
  public var network = "larder"
  /// Addresses that provider announcements name; empty for the address that others see, with
  /// `transferPort`.
  public var advertised: [Address] = []
  /// The port of announcements without `advertised`; nil for that of `bind`.
  public var transferPort: UInt16?
  /// What this node is for others; a seeder never is a client.
  public var role = NodeRole.desktop
  /// The numbers of the machine.
  public var kademlia = KademliaSettings()
  /// Peers whose keys and cookies are kept.
  public var sessions = 4_096
  /// Key agreements a second with senders who have shown no cookie; the newest are dropped.
  public var strangerAgreementsPerSecond = 1_000
  /// Requests of our own at once; further ones end at once with nothing found.
  public var requestLimit = 256
  /// The pause after a first vain attempt to join; each further one doubles it.
  public var firstJoinPause = Duration.milliseconds(500)
  /// The longest pause between attempts to join.
  public var longestJoinPause = Duration.seconds(60)
  /// How long handing records over and telling contacts may take when the node goes.
  public var farewell = Duration.seconds(1)
  /// How often the link and the bootstrap peers are looked after.
  public var watchInterval = Duration.seconds(15)
  /// Own records published in one go; a sweep of more goes on in the next.
  public var publishBatch = 128
  /// Contacts written down for the next start.
  public var savedContacts = 128

  /// The file in which everything that the machine is given is written down; nil for none.
  public var journal: String?

  /// The defaults.
  public init() {}
}
