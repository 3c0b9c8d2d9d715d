import AsyncHTTPClient
import Builder
import FoundationEssentials
import NIOCore
import NIOHTTP1
import Wire

/// A gateway's client: for askers here and in `+Requests`, for workers as a `LeaseClient`.
public struct GatewayClient: Sendable {
  /// How calls are made.
  public struct Settings: Sendable, Equatable {
    /// The gateway's address, `https://host` or `http://host:7785`.
    public var url: String
    /// The token's text.
    public var token: String
    /// How long one call may take, without what it waits for on purpose.
    public var timeout: Duration = .seconds(30)
    /// How long an upload may take.
    public var uploadTimeout: Duration = .seconds(1_800)
    /// How often a call is tried while the gateway can't be reached or is overloaded.
    public var tries = 5

    /// The defaults for this gateway and token.
    public init(url: String, token: String) {
      self.url = url
      self.token = token
    }
  }

  let settings: Settings
  let base: String

  /// A client; throws `badURL` for anything but http and https.
  public init(_ settings: Settings) throws(GatewayClientError) {
    guard settings.url.hasPrefix("https://") || settings.url.hasPrefix("http://"),
      let parsed = URL(string: settings.url), parsed.host()?.isEmpty == false
    else { throw .badURL(settings.url) }
    self.settings = settings
    base = settings.url.hasSuffix("/") ? String(settings.url.dropLast()) : settings.url
  }

  /// The connections of all clients in this process. A refused connection is told at once:
  /// `retrying` decides what to do then. A stream is pinged more often than `read` says.
  static let http: HTTPClient = {
    var configuration = HTTPClient.Configuration()
    configuration.timeout = .init(connect: .seconds(10), read: .seconds(90))
    configuration.connectionPool.retryConnectionEstablishment = false
    configuration.redirectConfiguration = .disallow
    return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
  }()

  /// The largest answer that is read, in bytes.
  static let answerLimit = 32 << 20

  struct Answer: Sendable {
    var status: Int
    var bytes: [UInt8]
  }

  /// A request of this client's gateway with its token.
  func request(_ method: HTTPMethod, _ path: String) -> HTTPClientRequest {
    var request = HTTPClientRequest(url: base + path)
    request.method = method
    request.headers.add(name: "Authorization", value: "Bearer \(settings.token)")
    request.headers.add(name: "User-Agent", value: "larder")
    return request
  }

  /// Makes a call with a JSON body, again while that can help. Every call of the API may be made
  /// twice: fences and group names make the second one harmless.
  func call(
    _ method: HTTPMethod, _ path: String, body: [UInt8]? = nil, waiting: Duration = .zero
  ) async throws -> Answer {
    try await retrying {
      var request = request(method, path)
      if let body {
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: body))
      }
      return try await send(request, within: settings.timeout + waiting)
    }
  }

  /// Sends a request whose answer is short; statuses of 400 and above become errors.
  func send(_ request: HTTPClientRequest, within time: Duration) async throws -> Answer {
    let response = try await GatewayClient.http.execute(
      request, timeout: .nanoseconds(time.nanoseconds))
    let body = try await response.body.collect(upTo: Self.answerLimit)
    let answer = Answer(status: Int(response.status.code), bytes: Array(body.readableBytesView))
    guard answer.status >= 400 else { return answer }
    throw Refused(answer, retryAfter: response.headers.first(name: "Retry-After"))
  }

  /// Repeats `body` while the gateway can't be reached or asks for patience.
  func retrying<Value>(_ body: () async throws -> Value) async throws -> Value {
    var backoff = Backoff()
    var random = SystemRandomNumberGenerator()
    var last: any Error = GatewayClientError.unreachable(url: base, reason: "no try was made")
    for attempt in 1...max(1, settings.tries) {
      do {
        return try await body()
      } catch let refused as Refused {
        last = refused.error(url: base)
        guard refused.isPassing, attempt < settings.tries else { throw last }
        if let wait = refused.wait { try await Task.sleep(for: wait) }
      } catch let error as CancellationError {
        throw error
      } catch {
        if Task.isCancelled { throw CancellationError() }
        if isOurs(error) { throw error }
        last = GatewayClientError.unreachable(url: base, reason: Self.reason(error))
      }
      if attempt < settings.tries { try await Task.sleep(for: backoff.next(using: &random)) }
    }
    throw last
  }

  private func isOurs(_ error: any Error) -> Bool {
    error is GatewayClientError || error is DecodingError || error is FileChunks.ReadError
  }

  static func reason(_ error: any Error) -> String {
    if let error = error as? HTTPClientError {
      switch error {
      case .connectTimeout: return "no connection in time"
      case .readTimeout, .deadlineExceeded: return "no answer in time"
      case .remoteConnectionClosed: return "it closed the connection"
      default: return error.shortDescription
      }
    }
    return BuildLog.clean("\(error)")
  }

  func encode(_ value: some Encodable) throws -> [UInt8] {
    Array(try JSONEncoder().encode(value))
  }

  func decode<Value: Decodable>(_ type: Value.Type, _ bytes: some Sequence<UInt8>) throws -> Value {
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch {
      throw GatewayClientError.unreadable(url: base, "\(type)")
    }
  }
}

/// An answer with a status of 400 or above.
struct Refused: Error {
  let status: Int
  let kind: String
  let message: String
  let wait: Duration?

  init(_ answer: GatewayClient.Answer, retryAfter: String?) {
    status = answer.status
    let parsed = try? JSONDecoder().decode(Messages.Failure.self, from: Data(answer.bytes))
    kind = parsed?.error.kind ?? ""
    message = BuildLog.clean(parsed?.error.message ?? "it answered with status \(answer.status)")
    let seconds = retryAfter.flatMap { Int64($0) }
    wait = seconds.map { .seconds(max(0, min($0, 60))) }
  }

  /// Whether the same call may succeed a little later.
  var isPassing: Bool {
    status == 502 || status == 503 || status == 504 || kind == "too-many-calls" || kind == "busy"
  }

  func error(url: String) -> GatewayClientError {
    switch kind {
    case "unknown-token": .refusedToken(url: url)
    case "other-role": .otherRole(url: url, message: message)
    case "lost": .lost
    case "refused-result": .refusedResult(message)
    default: .refused(url: url, status: status, message: message)
    }
  }
}
