/// How the virtual network treats datagrams.
public struct NetworkConditions: Sendable {
  /// One-way delay between the nearest and between the farthest two places of the plane on which the
  /// nodes lie; by default the mean round trip is about 100 ms.
  public var delay: ClosedRange<Duration> = .milliseconds(10) ... .milliseconds(120)
  /// Added to each datagram's delay, uniform from zero; more than the difference of two sending
  /// times reorders them.
  public var jitter = Duration.milliseconds(5)
  /// The part of the datagrams that is lost.
  public var loss = 0.0

  /// The defaults.
  public init() {}
}

/// What stands between a node and the network (RFC 4787's behaviours).
public enum NATKind: UInt8, Sendable, CaseIterable {
  /// Nothing: whoever knows the address reaches it.
  case open
  /// One outer port; open to everybody while it is used.
  case cone
  /// One outer port; open to those written to lately.
  case restricted
  /// An outer port for each destination; open to that destination lately written to.
  case symmetric
}

/// How long nodes stay, and how they go.
public struct Churn: Sendable {
  /// The distribution of session lengths.
  public enum Session: Sendable {
    /// Memoryless, by its mean.
    case exponential(mean: Duration)
    /// Many short and few long ones where the shape is below 1 (Stutzbach, Rejaie 2006).
    case weibull(shape: Double, scale: Duration)
  }

  /// How long a node stays.
  public var session: Session
  /// The part of the nodes that hands its records on before it goes; the others fall silent.
  public var gracefulShare: Double

  /// Churn of these sessions.
  public init(session: Session, gracefulShare: Double = 0) {
    self.session = session
    self.gracefulShare = gracefulShare
  }

  /// The exponential churn in which half of the nodes go within an hour.
  public static let halfAnHour = Churn(session: .exponential(mean: .seconds(5_194)))

  /// One session's length.
  func draw(using random: inout some RandomNumberGenerator) -> Duration {
    let uniform = Double(random.next() >> 11) / 0x1p53
    let exponential = -logarithm(1 - uniform)
    switch session {
    case .exponential(let mean): return mean * exponential
    case .weibull(let shape, let scale): return scale * power(exponential, 1 / shape)
    }
  }
}
