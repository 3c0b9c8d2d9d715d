import Dispatch
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore
import Portage

/// Answers for the index and the packages as Portage wants it (docs/DESIGN.md, Binhost).
struct IndexResponder: Sendable {
  /// Portage sends the `TIMESTAMP` of its cached copy plus this many seconds as `If-Modified-Since`.
  static let tolerance: Int64 = 5

  private static let chunk = 256 << 10

  let directory: BinhostDirectory
  /// Where files are read; few lanes, so that a slow disk holds few threads.
  private let lanes = (0..<4).map { DispatchQueue(label: "larder.binhost.read.\($0)") }

  init(directory: BinhostDirectory) {
    self.directory = directory
  }

  func respond(to request: Request, name: String) -> Response {
    guard let (file, generation) = directory.open(name) else {
      return BinhostResponder.text(.notFound, "not found\n")
    }
    if name == "Packages" || name == "Packages.gz" {
      return index(request, name: name, file: file, generation: generation)
    }
    return package(request, file: file)
  }

  /// The index, by Portage's rule of freshness.
  ///
  /// It takes a body only if that is newer, in whole seconds, than its copy. A copy of our time gets
  /// 304; one of a later time (another daemon's, or our clock was ahead) gets our index under the
  /// next second, without `Last-Modified`, which would win over the `TIMESTAMP` inside.
  private func index(
    _ request: Request, name: String, file: ReadableFile, generation: BinhostGeneration
  ) -> Response {
    let type = name == "Packages" ? "text/plain; charset=utf-8" : "application/gzip"
    var headers: HTTPFields = [.contentType: type, .cacheControl: "no-cache"]
    let since = request.headers[.ifModifiedSince].flatMap { HTTPDate.seconds($0) }
    if let since {
      let cached = since - Self.tolerance
      if cached == generation.timestamp {
        headers[.lastModified] = HTTPDate.text(generation.timestamp)
        return Response(status: .notModified, headers: headers)
      }
      if cached > generation.timestamp {
        guard let plain = directory.open("Packages"), plain.generation == generation else {
          return BinhostResponder.text(.serviceUnavailable, "the index just changed\n")
        }
        return Response(
          status: .ok, headers: headers,
          body: restamped(plain.file, timestamp: cached + 1, packed: name == "Packages.gz"))
      }
    }
    headers[.lastModified] = HTTPDate.text(generation.timestamp)
    return Response(status: .ok, headers: headers, body: body(of: file, 0..<file.size))
  }

  /// A package, which never changes under its path, whole or in part.
  private func package(_ request: Request, file: ReadableFile) -> Response {
    let tag = "\"\(String(file.size, radix: 16))-\(String(file.modified, radix: 16))\""
    var headers: HTTPFields = [
      .contentType: "application/x-tar", .acceptRanges: "bytes", .eTag: tag,
      .lastModified: HTTPDate.text(file.modified), .cacheControl: "no-cache",
    ]
    if request.headers[.ifNoneMatch] == tag {
      return Response(status: .notModified, headers: headers)
    }
    let condition = request.headers[.ifRange]
    let isSame = condition == nil || condition == tag || condition == headers[.lastModified]
    switch ByteRange(isSame ? request.headers[.range] : nil, size: file.size) {
    case .whole:
      return Response(status: .ok, headers: headers, body: body(of: file, 0..<file.size))
    case .part(let range):
      headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(file.size)"
      return Response(status: .partialContent, headers: headers, body: body(of: file, range))
    case .unsatisfiable:
      headers[.contentRange] = "bytes */\(file.size)"
      return Response(status: .rangeNotSatisfiable, headers: headers)
    }
  }

  /// The bytes of a file, read ahead of the socket by one chunk at most.
  private func body(of file: ReadableFile, _ range: Range<UInt64>) -> ResponseBody {
    let lane = lanes[Int(range.upperBound % UInt64(lanes.count))]
    return ResponseBody(contentLength: Int(range.count)) { writer in
      var offset = range.lowerBound
      while offset < range.upperBound {
        let count = Int(min(UInt64(Self.chunk), range.upperBound - offset))
        let bytes = await Self.read(file, count: count, at: offset, on: lane)
        // A file that became shorter ends the connection: the client sees that bytes are missing.
        guard !bytes.isEmpty else { throw CancellationError() }
        try await writer.write(ByteBuffer(bytes: bytes))
        offset += UInt64(bytes.count)
      }
      try await writer.finish(nil)
    }
  }

  /// The plain index with another time, packed on the way if asked for.
  private func restamped(
    _ file: ReadableFile, timestamp: Int64, packed: Bool
  ) -> ResponseBody {
    let lane = lanes[0]
    return ResponseBody { writer in
      let made = PackedChunks()
      let packer = packed ? GzipPacker<Never>(level: 1) { made.chunks.append($0) } : nil
      var offset: UInt64 = 0
      while offset < file.size {
        var bytes = await Self.read(file, count: Self.chunk, at: offset, on: lane)
        guard !bytes.isEmpty else { throw CancellationError() }
        let count = UInt64(bytes.count)
        if offset == 0 { bytes = IndexHeader.replacingTimestamp(in: bytes, with: timestamp) }
        offset += count
        guard let packer else {
          try await writer.write(ByteBuffer(bytes: bytes))
          continue
        }
        packer.append(bytes)
        if offset == file.size { packer.finish() }
        for chunk in made.take() { try await writer.write(ByteBuffer(bytes: chunk)) }
      }
      try await writer.finish(nil)
    }
  }

  private static func read(
    _ file: ReadableFile, count: Int, at offset: UInt64, on lane: DispatchQueue
  ) async -> [UInt8] {
    await withCheckedContinuation { continuation in
      lane.async { continuation.resume(returning: file.read(count: count, at: offset)) }
    }
  }
}

/// What a packer made since the last look.
private final class PackedChunks {
  var chunks: [[UInt8]] = []

  func take() -> [[UInt8]] {
    defer { chunks.removeAll(keepingCapacity: true) }
    return chunks
  }
}
