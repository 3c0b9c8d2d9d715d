public import Wire

/// When a desktop that builds for others may do so: only while its owner is away from it.
public struct IdlePolicy: Sendable, Equatable {
  /// The highest load average a core, without the build's own share, that still counts as idle.
  public var loadPerCore = 0.3
  /// How long the machine must have been idle before a build begins.
  public var quiet: Duration = .seconds(300)
  /// Whether a machine on battery may build.
  public var onBattery = false

  /// The defaults.
  public init() {}

  /// What the machine looks like now.
  public struct Observation: Sendable, Equatable {
    /// The load average over one minute.
    public var load: Double
    /// The share of it that our own build causes.
    public var ownLoad: Double
    /// The number of cores.
    public var cores: Int
    /// Since when load and input have been low.
    public var idleSince: Instant?
    /// Whether it runs on battery.
    public var isOnBattery: Bool

    /// An observation of these values.
    public init(
      load: Double, ownLoad: Double, cores: Int, idleSince: Instant?, isOnBattery: Bool
    ) {
      self.load = load
      self.ownLoad = ownLoad
      self.cores = cores
      self.idleSince = idleSince
      self.isOnBattery = isOnBattery
    }
  }

  /// Whether a new build may begin.
  public func mayBegin(_ seen: Observation, now: Instant) -> Bool {
    guard mayContinue(seen), let since = seen.idleSince else { return false }
    return now - since >= quiet
  }

  /// Whether a running build may go on; its own load does not count against it.
  public func mayContinue(_ seen: Observation) -> Bool {
    guard onBattery || !seen.isOnBattery else { return false }
    let foreign = max(0, seen.load - seen.ownLoad)
    return foreign <= loadPerCore * Double(max(1, seen.cores))
  }
}
