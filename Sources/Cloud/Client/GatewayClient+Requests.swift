import AsyncHTTPClient
import Builder
import Cryptography
import NIOCore
import NIOHTTP1
public import Trust
import Wire

/// What a gateway tells about a request while it is worked on.
public enum GatewayEvent: Sendable, Equatable {
  /// A package's state changed.
  case status(PackageStatus)
  /// A build printed these lines.
  case log(Fingerprint, lines: [String])
}

extension GatewayClient {
  /// Asks for builds of these planned packages; each gets its own answer, in order.
  ///
  /// `group` names the request for the other calls; repeated with the same name it is the same
  /// request. Cancelled midway, the request may have been made.
  public func submit(
    _ packages: [PackageFacts], group: String, priority: Int = 0
  ) async throws -> [PackageStatus] {
    let body = Messages.Submit(group: group, priority: priority, packages: packages)
    let answer = try await call(.POST, "/v1/requests", body: try encode(body))
    let submitted = try decode(Messages.Submitted.self, answer.bytes)
    guard submitted.packages.count == packages.count else {
      throw GatewayClientError.unreadable(url: base, "other packages than asked for")
    }
    return submitted.packages
  }

  /// A new name for a request.
  public static func newGroup() -> String { SecureRandom.bytes(16).hex }

  /// Where the packages of a request stand; refused ones are not among them.
  public func status(group: String) async throws -> [PackageStatus] {
    let answer = try await call(.GET, "/v1/requests/\(group)")
    return try decode(Messages.Submitted.self, answer.bytes).packages
  }

  /// Forgets a request; builds that nobody else waits for are given up.
  public func withdraw(group: String) async throws {
    _ = try await call(.DELETE, "/v1/requests/\(group)")
  }

  /// Hands over what happens to a request until all its packages are built, failed or cancelled.
  ///
  /// Connects again when the connection is lost; states and lines come once. Cancellation leaves
  /// the request as it is.
  public func follow(
    group: String, _ consume: (GatewayEvent) async throws -> Void
  ) async throws {
    var memory = FollowMemory()
    var backoff = Backoff()
    var random = SystemRandomNumberGenerator()
    var failures = 0
    while true {
      do {
        if try await followOnce(group, &memory, consume) { return }
        failures += memory.takeProgress() ? 0 : 1
      } catch let refused as Refused {
        guard refused.isPassing, failures < settings.tries else {
          throw refused.error(url: base)
        }
        failures += 1
      } catch let error as ConsumeError {
        throw error.underlying
      } catch {
        if Task.isCancelled { throw CancellationError() }
        if error is GatewayClientError || error is EventParser.ParseError { throw error }
        failures = memory.takeProgress() ? 0 : failures + 1
        guard failures < settings.tries else {
          throw GatewayClientError.unreachable(url: base, reason: Self.reason(error))
        }
      }
      if failures == 0 { backoff.reset() }
      try await Task.sleep(for: backoff.next(using: &random))
    }
  }

  /// Reads one connection to its end; whether the gateway said that it is over.
  private func followOnce(
    _ group: String, _ memory: inout FollowMemory, _ consume: (GatewayEvent) async throws -> Void
  ) async throws -> Bool {
    let request = request(.GET, "/v1/requests/\(group)/events")
    let response = try await GatewayClient.http.execute(request, deadline: .distantFuture)
    guard response.status.code < 400 else {
      let body = try await response.body.collect(upTo: 1 << 20)
      let answer = Answer(status: Int(response.status.code), bytes: Array(body.readableBytesView))
      throw Refused(answer, retryAfter: response.headers.first(name: "Retry-After"))
    }
    var parser = EventParser()
    for try await buffer in response.body {
      for event in try parser.append(buffer) {
        if event.name == "done" { return true }
        guard let news = try memory.news(in: event, self) else { continue }
        do {
          try await consume(news)
        } catch {
          throw ConsumeError(underlying: error)
        }
      }
    }
    return false
  }
}

/// The reader of events failed, not the connection.
private struct ConsumeError: Error {
  let underlying: any Error
}

/// What was handed over already, so that a new connection does not repeat it.
struct FollowMemory {
  private var statuses: [String: PackageStatus] = [:]
  private var lines: [Fingerprint: UInt64] = [:]
  private var hasProgressed = false

  /// Whether anything new came since the last call.
  mutating func takeProgress() -> Bool {
    defer { hasProgressed = false }
    return hasProgressed
  }

  mutating func news(
    in event: EventParser.Event, _ client: GatewayClient
  ) throws -> GatewayEvent? {
    switch event.name {
    case "status":
      let status = try client.decode(PackageStatus.self, event.data.utf8)
      let key = status.fingerprint?.bytes.hex ?? status.cpv
      guard statuses[key] != status else { return nil }
      statuses[key] = status
      hasProgressed = true
      return .status(status)
    case "log":
      let log = try client.decode(Messages.Log.self, event.data.utf8)
      let known = lines[log.fingerprint] ?? 0
      let next = log.first &+ UInt64(log.lines.count)
      guard next > known else { return nil }
      lines[log.fingerprint] = next
      hasProgressed = true
      let skipped = known > log.first ? Int(known - log.first) : 0
      let fresh = log.lines.dropFirst(skipped).map(BuildLog.clean)
      return .log(log.fingerprint, lines: fresh)
    default:
      return nil
    }
  }
}
