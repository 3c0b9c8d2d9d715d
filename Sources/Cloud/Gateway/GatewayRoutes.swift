import Builder
import CoreMetrics
import FoundationEssentials
import Hummingbird
import Logging
import NIOCore
import Trust
import Wire

/// The gateway's paths: who may call them, what they read, what they answer.
struct GatewayRoutes: Sendable {
  let desk: GatewayDesk
  let settings: GatewaySettings
  let hooks: GatewayHooks
  let log: Logger
  let guests: GuestBook

  init(desk: GatewayDesk, settings: GatewaySettings, hooks: GatewayHooks, log: Logger) {
    self.desk = desk
    self.settings = settings
    self.hooks = hooks
    self.log = log
    guests = GuestBook(settings: settings)
  }

  typealias Context = BasicRequestContext

  func router() -> Router<Context> {
    let router = Router()
    router.get("/healthz") { _, _ in
      // The reason may name paths: it goes to the log, not to strangers.
      guard let problem = await desk.problem() else {
        return Response(status: .ok, body: .init(byteBuffer: .init(string: "ok\n")))
      }
      log.warning("unhealthy", metadata: ["reason": "\(problem)"])
      return Response(
        status: .serviceUnavailable,
        body: .init(byteBuffer: .init(string: "something is wrong; see the gateway's log\n")))
    }
    router.post("/v1/requests") { request, _ in
      try await answer(request, as: .request) { token in
        let body = try await read(Messages.Submit.self, request, limit: Messages.submitLimit)
        return try json(await desk.submit(body, owner: token.name))
      }
    }
    router.get("/v1/requests/:group") { request, context in
      try await answer(request, as: .request) { token in
        let group = try group(context)
        let jobs = try await desk.jobs(ofGroup: group, owner: token.name)
        let packages = jobs.map { PackageStatus(of: $0) }
        return try json(Messages.Submitted(group: group, packages: packages))
      }
    }
    router.delete("/v1/requests/:group") { request, context in
      try await answer(request, as: .request) { token in
        try await desk.withdraw(group: group(context), owner: token.name)
        return Response(status: .noContent)
      }
    }
    router.get("/v1/requests/:group/events") { request, context in
      try await answer(request, as: .request) { token in
        try await events(group: group(context), owner: token.name)
      }
    }
    addWorkerRoutes(to: router)
    return router
  }

  private func addWorkerRoutes(to router: Router<Context>) {
    router.post("/v1/leases") { request, _ in
      try await answer(request, as: .worker) { _ in
        let body = try await read(Messages.AskForWork.self, request)
        let wait = Duration.seconds(Int64(max(0, min(3_600, body.seconds))))
        guard let job = try await desk.lease(body.offer, waiting: wait) else {
          return Response(status: .noContent)
        }
        return try json(job)
      }
    }
    router.post("/v1/leases/:fingerprint/:fence/heartbeat") { request, context in
      try await answer(request, as: .worker) { _ in
        let (fingerprint, fence) = try lease(context)
        let body = try await read(Messages.Heartbeat.self, request)
        return try json(await desk.heartbeat(fingerprint, fence: fence, lines: body.lines))
      }
    }
    router.put("/v1/leases/:fingerprint/:fence/upload") { request, context in
      try await answer(request, as: .worker) { _ in
        let (fingerprint, fence) = try lease(context)
        let path = try await desk.uploadPath(fingerprint, fence: fence)
        let announced = request.headers[.contentLength].flatMap { UInt64($0) }
        do {
          try await desk.staging.receive(request.body, announced: announced, to: path)
        } catch let failure as StagingArea.Failure {
          switch failure {
          case .tooLarge: throw GatewayRefusal.tooLarge("\(failure)")
          case .truncated, .empty: throw GatewayRefusal.malformed("\(failure)")
          case .system: throw failure
          }
        }
        return Response(status: .noContent)
      }
    }
    router.post("/v1/leases/:fingerprint/:fence/complete") { request, context in
      try await answer(request, as: .worker) { _ in
        let (fingerprint, fence) = try lease(context)
        let body = try await read(Messages.Complete.self, request)
        let completion = try await desk.complete(fingerprint, fence: fence, built: body.built)
        return try json(["completion": "\(completion)"])
      }
    }
    router.post("/v1/leases/:fingerprint/:fence/fail") { request, context in
      try await answer(request, as: .worker) { _ in
        let (fingerprint, fence) = try lease(context)
        let body = try await read(Messages.Fail.self, request)
        try await desk.fail(
          fingerprint, fence: fence, message: body.message, lines: body.lines)
        return Response(status: .noContent)
      }
    }
    router.post("/v1/leases/:fingerprint/:fence/release") { request, context in
      try await answer(request, as: .worker) { _ in
        let (fingerprint, fence) = try lease(context)
        try await desk.release(fingerprint, fence: fence)
        return Response(status: .noContent)
      }
    }
  }
}

extension GatewayRoutes {
  /// Checks the caller's token, role and rate, then answers; every refusal becomes JSON.
  private func answer(
    _ request: Request, as role: TokenRole, _ body: (Token) async throws -> Response
  ) async throws -> Response {
    do {
      guard let text = request.headers[.authorization], text.hasPrefix("Bearer "),
        let token = try await hooks.tokens().bearer(of: String(text.dropFirst(7)))
      else {
        desk.metrics.unauthorized.increment()
        throw GatewayRefusal.unknownToken
      }
      guard token.role == role else { throw GatewayRefusal.otherRole(role) }
      if let wait = guests.wait(for: token) { throw GatewayRefusal.tooManyCalls(wait) }
      return try await body(token)
    } catch let refusal as GatewayRefusal {
      return try failure(refusal)
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      log.error("call failed", metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
      return try failure(.failed("the gateway has a problem; its log says more"))
    }
  }

  private func failure(_ refusal: GatewayRefusal) throws -> Response {
    var response = try json(
      Messages.Failure(error: .init(kind: refusal.kind, message: refusal.message)))
    response.status = .init(code: refusal.status)
    if case .tooManyCalls(let wait) = refusal {
      response.headers[.retryAfter] = "\(max(1, wait.components.seconds))"
    }
    return response
  }

  private func json(_ value: some Encodable) throws -> Response {
    let text = try JSONEncoder().encode(value)
    return Response(
      status: .ok, headers: [.contentType: "application/json"],
      body: .init(byteBuffer: ByteBuffer(bytes: text)))
  }

  private func read<Body: Decodable>(
    _ type: Body.Type, _ request: Request, limit: Int = Messages.bodyLimit
  ) async throws -> Body {
    var bytes: [UInt8] = []
    for try await part in request.body {
      guard bytes.count + part.readableBytes <= limit else {
        throw GatewayRefusal.tooLarge("the body is larger than \(limit) bytes")
      }
      bytes.append(contentsOf: part.readableBytesView)
    }
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch {
      throw GatewayRefusal.malformed(
        "the body is not the JSON that this call takes: \(what(error))")
    }
  }

  private func what(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return "not JSON" }
    switch error {
    case .keyNotFound(let key, _): return "\(key.stringValue) is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context),
      .dataCorrupted(let context):
      let path = context.codingPath.map(\.stringValue).joined(separator: ".")
      return BuildLog.clean("\(path): \(context.debugDescription)")
    @unknown default: return "unreadable"
    }
  }

  private func group(_ context: Context) throws -> String {
    guard let group = context.parameters.get("group"), Messages.isGroup(group) else {
      throw GatewayRefusal.malformed("this is no name of a request")
    }
    return group
  }

  private func lease(_ context: Context) throws -> (Fingerprint, UInt64) {
    guard let fingerprint = context.parameters.get("fingerprint").flatMap({ Fingerprint(hex: $0) }),
      let fence = context.parameters.get("fence").flatMap({ UInt64($0) })
    else { throw GatewayRefusal.malformed("this is no lease") }
    return (fingerprint, fence)
  }

  private func events(group: String, owner: String) async throws -> Response {
    _ = try await desk.jobs(ofGroup: group, owner: owner)
    guard guests.openStream(owner) else {
      throw GatewayRefusal.tooManyStreams(settings.openStreams)
    }
    let (desk, settings, guests) = (desk, settings, guests)
    return Response(
      status: .ok,
      headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
      body: .init { writer in
        defer { guests.closeStream(owner) }
        var stream = EventStream(group: group, owner: owner, settings: settings)
        for await _ in desk.bell.rings() {
          let (text, isOver) = try await stream.news(desk)
          if !text.isEmpty { try await writer.write(ByteBuffer(string: text)) }
          if isOver { break }
        }
        try await writer.finish(nil)
      })
  }
}
