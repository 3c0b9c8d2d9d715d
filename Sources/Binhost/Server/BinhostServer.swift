import FoundationEssentials
import Glibc
import HTTPTypes
import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore

/// Serves the binhost's directory to the LAN, the status page, `/healthz` and `/metrics`: all of it
/// read-only. Only this machine itself sees who the peers are and what was refused.
public struct BinhostServer: Sendable {
  /// Where and how to serve.
  public struct Settings: Sendable, Equatable {
    /// The address to listen on.
    public var host = "127.0.0.1"
    /// The port to listen on; 0 lets the system choose.
    public var port = 7783
    /// The node's part of the path, `/binhost/<node>/`: Portage's cache goes by host name and path,
    /// not by port, so that two nodes on one host must differ in it. Letters, digits, `_.-`.
    public var node = "node"
    /// The names, besides `localhost` and IP addresses, that requests may be addressed to.
    public var names = HostNames([])
    /// Connections at once; more wait in the system's queue.
    public var connections = 256
    /// How long a silent connection stays.
    public var idle = Duration.seconds(60)

    /// The defaults.
    public init() {}
  }

  /// Why the server did not start.
  public enum ServeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Another program listens there.
    case addressInUse(host: String, port: Int)
    /// The system refused for another reason.
    case cannotListen(host: String, port: Int, reason: String)

    /// A sentence for the user.
    public var description: String {
      switch self {
      case .addressInUse(let host, let port):
        """
        port \(port) on \(host) is in use: stop the other program, or choose another port for the \
        local HTTP server
        """
      case .cannotListen(let host, let port, let reason):
        "cannot listen on \(host), port \(port): \(reason)"
      }
    }
  }

  private let settings: Settings
  private let logger: Logger
  private let responder: BinhostResponder

  /// A server of this directory.
  ///
  /// `status` is asked for each status request, `health` for each `/healthz`: nil is healthy, a text
  /// says what is wrong. `metrics` is the registry that `/metrics` prints.
  public init(
    directory: BinhostDirectory, metrics: PrometheusRegistry, settings: Settings = Settings(),
    logger: Logger, status: @escaping @Sendable () async -> StatusSnapshot,
    health: @escaping @Sendable () async -> String? = { nil }
  ) {
    self.settings = settings
    self.logger = logger
    responder = BinhostResponder(
      index: IndexResponder(directory: directory), node: settings.node, names: settings.names,
      metrics: metrics,
      status: status, health: health)
  }

  /// Listens until the task is cancelled or the service group shuts down.
  ///
  /// `onListening` gets the port. Cancellation closes the connections. Throws `ServeError`.
  public func run(onListening: @escaping @Sendable (Int) async -> Void = { _ in }) async throws {
    let responder = responder
    let application = Application(
      responder: CallbackResponder { (request: Request, source: RequestSource) in
        await responder.respond(to: request, isLocal: source.isLocal)
      },
      server: .http1(
        configuration: HTTP1Channel.Configuration(
          idleTimeout: .nanoseconds(settings.idle.components.seconds * 1_000_000_000))),
      configuration: ApplicationConfiguration(
        address: .hostname(settings.host, port: settings.port), serverName: nil,
        availableConnectionsDelegate: MaximumAvailableConnections(settings.connections)),
      onServerRunning: { channel in await onListening(channel.localAddress?.port ?? 0) },
      logger: logger)
    do {
      try await application.run()
    } catch let error as IOError where error.errnoCode == EADDRINUSE {
      throw ServeError.addressInUse(host: settings.host, port: settings.port)
    } catch let error as IOError {
      throw ServeError.cannotListen(
        host: settings.host, port: settings.port,
        reason: String(cString: strerror(error.errnoCode)))
    }
  }
}

/// Decides which answer a request gets.
struct BinhostResponder: Sendable {
  let index: IndexResponder
  let node: String
  let names: HostNames
  let metrics: PrometheusRegistry
  let status: @Sendable () async -> StatusSnapshot
  let health: @Sendable () async -> String?

  func respond(to request: Request, isLocal: Bool) async -> Response {
    guard names.allow(request.head.authority) else {
      return Self.text(
        .misdirectedRequest,
        "this server is not known by that name: use an address, or see http.names in larder.yaml\n")
    }
    guard request.method == .get || request.method == .head else {
      return Self.text(.methodNotAllowed, "only GET and HEAD\n", [.allow: "GET, HEAD"])
    }
    var response = await answer(request, isLocal: isLocal)
    response.headers[.xContentTypeOptions] = "nosniff"
    if request.method == .head {
      // The length stays: it is what a GET would send.
      let length = response.body.contentLength
      response.body = ResponseBody()
      if let length { response.headers[.contentLength] = String(length) }
    }
    return response
  }

  private func answer(_ request: Request, isLocal: Bool) async -> Response {
    let path = request.uri.path
    let prefix = "/binhost/\(node)/"
    if path.hasPrefix(prefix) {
      guard let name = Self.decoded(path.dropFirst(prefix.count)) else {
        return Self.text(.notFound, "not found\n")
      }
      return index.respond(to: request, name: name)
    }
    switch path {
    case "/":
      return Response(
        status: .ok,
        headers: [
          .contentType: "text/html; charset=utf-8", .cacheControl: "no-cache",
          .contentSecurityPolicy: StatusPage.policy,
        ],
        body: ResponseBody(byteBuffer: ByteBuffer(string: StatusPage.html)))
    case "/status.json":
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys]
      let full = await status()
      guard let data = try? encoder.encode((isLocal ? full : full.reduced).bounded) else {
        return Self.text(.internalServerError, "no status\n")
      }
      return Response(
        status: .ok,
        headers: [.contentType: "application/json", .cacheControl: "no-store"],
        body: ResponseBody(byteBuffer: ByteBuffer(bytes: data)))
    case "/healthz":
      if let problem = await health() {
        return Self.text(.serviceUnavailable, (isLocal ? problem : "something is wrong") + "\n")
      }
      return Self.text(.ok, "ok\n")
    case "/metrics":
      return Response(
        status: .ok,
        headers: [.contentType: PrometheusText.contentType, .cacheControl: "no-store"],
        body: ResponseBody(byteBuffer: ByteBuffer(string: metrics.exposition())))
    default:
      return Self.text(.notFound, "not found\n")
    }
  }

  static func text(
    _ status: HTTPResponse.Status, _ text: String, _ headers: HTTPFields = [:]
  ) -> Response {
    var headers = headers
    headers[.contentType] = "text/plain; charset=utf-8"
    headers[.cacheControl] = "no-store"
    return Response(
      status: status, headers: headers,
      body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
  }

  /// The text with `%XX` replaced; nil for a broken escape or what is no UTF-8.
  static func decoded(_ text: some StringProtocol) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      let digits = String(decoding: rest.prefix(2), as: UTF8.self)
      guard rest.count >= 2, digits.allSatisfy(\.isHexDigit), let value = UInt8(digits, radix: 16)
      else { return nil }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }
}
