/// Whom a get asks.
public enum LookupScope: String, Sendable, CaseIterable {
  /// The peers nearest to the key, and two seeders beside them.
  case all
  /// No seeders but by chance.
  case peersOnly = "peers-only"
  /// Two seeders and nobody else.
  case seedersOnly = "seeders-only"
}

/// The numbers of the DHT; the defaults are those of docs/PROTOCOL.md.
public struct KademliaSettings: Sendable, Equatable {
  /// Contacts in a bucket, nodes that keep a record, and the width of a look-up (k).
  public var bucketSize = 16
  /// The widths of the first buckets, which hold most of the network: wide ones save hops.
  public var firstBuckets = [128, 64, 32]
  /// Verified contacts kept for when one of a full bucket fails.
  public var replacements = 8
  /// Requests that a look-up keeps outstanding (α).
  public var parallelism = 4
  /// The same for a single key's get in a network that is mostly unknown: one of three has the record
  /// or knows who has.
  public var parallelismOfGet = 3
  /// The same for each key of a request of many, at nodes so near that they should have its record: a
  /// reply often holds one record and no more, so a second one would mostly be for nothing.
  public var parallelismOfMany = 1
  /// The same at nodes that only show the way; the keys share what they learn.
  public var scoutsOfMany = 4
  /// Whom gets ask; puts reach the peers whatever this says.
  public var lookup = LookupScope.all
  /// Seeders that a get asks at its start, and that statements are put at.
  public var seedersAsked = 2
  /// How long a reply may take before another candidate is asked beside.
  public var softTimeout: ClosedRange<Duration> = .milliseconds(150) ... .milliseconds(500)
  /// How long a reply may take at all.
  public var hardTimeout = Duration.milliseconds(1_500)
  /// Requests outstanding in all; look-ups wait at it, pings are left out.
  public var callLimit = 1_024
  /// Look-ups of one request that run at once; further keys wait.
  public var lookupWindow = 256
  /// Requests outstanding for one request of many keys.
  public var callsPerQuery = 64
  /// Whether this node neither stores nor routes for others.
  public var isClient = false
  /// Whether the node is a client for nodes on the internet until some of them, in as many networks as
  /// are known and at most three, have reached it.
  public var provesReach = false
  /// Whether statements of the own trust list's issuers are kept however far their keys are: a seeder
  /// does, so that the builds that matter here outlive a region that was lost.
  public var keepsTrustedFromAfar = false
  /// Destinations not written to lately that may be opened a second; home routers fail above 100.
  public var newDestinationsPerSecond = 20
  /// Destinations that may be opened at once.
  public var newDestinationBurst = 100
  /// Statements under one key.
  public var statementsPerKey = 64
  /// Of those, places that only issuers of the own trust list may take.
  public var reservedStatements = 16
  /// Provider announcements under one key.
  public var providersPerKey = 64
  /// Records under one key from one source network.
  public var recordsPerSource = 8
  /// The whole store, in bytes.
  public var storeBytes = 32 << 20
  /// The part of the store that one network of global addresses may fill.
  public var storeShareOfNetwork = 0.01
  /// How long a record is kept that nobody stores again.
  public var recordLife = Duration.seconds(72 * 3_600)
  /// The longest pause before a bucket that wants contacts asks for some again.
  public var refreshInterval = Duration.seconds(15 * 60)
  /// The same for buckets beyond the fifth.
  public var deepRefreshInterval = Duration.seconds(3_600)
  /// How often the own neighbourhood is looked up; three times as often while many contacts fail.
  public var neighbourhoodInterval = Duration.seconds(3_600)
  /// Contacts tried a minute to see whether they are still there: few in a quiet network, many in one
  /// whose nodes come and go.
  public var checksPerMinute = 3.0...8.0
  /// How long a contact may be silent before it is tried.
  public var checkAge = Duration.seconds(10 * 60)
  /// How often replicas compare what they hold.
  public var repairInterval = Duration.seconds(30 * 60)
  /// How often upkeep runs.
  public var upkeepInterval = Duration.seconds(30)
  /// How often a contact is tried while nobody at all answers.
  public var lostLinkInterval = Duration.seconds(5)
  /// How often it runs while the table fills after entering.
  public var fillingInterval = Duration.seconds(2)

  /// The defaults.
  public init() {}
}
