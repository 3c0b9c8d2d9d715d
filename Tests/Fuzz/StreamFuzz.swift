import Transfer
import Wire

/// UDP streams: the messages that open one, and two ends that speak with each other over a path that
/// loses, repeats, reorders and invents packets.
enum StreamFuzz {
  static let opening: FuzzTarget = { bytes in
    guard let message = try? StreamOpening.decode(bytes) else { return }
    precondition((try? StreamOpening.decode(message.encoded)) == message)
  }

  private struct Flying {
    let to: Int
    let number: UInt64
    let frames: [UInt8]
  }

  private static let places = [
    Address(ip: .v4(0x0A00_0001), port: 7_782), Address(ip: .v4(0x0A00_0002), port: 7_782),
    Address(ip: .v4(0x0A00_0003), port: 7_782),
  ]

  static let machine: FuzzTarget = { bytes in
    var script = Script(bytes)
    var settings = StreamSettings()
    settings.congestion = script.number() & 1 == 0 ? .background : .foreground
    settings.receiveWindow = 256 << 10
    settings.sendBuffer = 256 << 10
    var now = Instant.zero
    var random = SplitMix64(seed: 1)
    let credit = ReliableStream.firstCredit(settings)
    var ends = [1, 0].map { peer in
      ReliableStream(
        settings: settings, path: places[peer], credit: credit, roundTrip: nil, now: now)
    }
    var last: [UInt64?] = [nil, nil]
    var flying: [Flying] = []
    while let operation = script.byte() {
      let end = Int(operation & 1)
      switch operation >> 1 % 8 {
      case 0:
        let count = min(ends[end].writable, Int(script.number()) * 64)
        [UInt8](repeating: operation, count: count).withUnsafeBytes { ends[end].write($0) }
      case 1:
        now = now + .microseconds(Int64(script.number()) * Int64(script.number()) * 16)
        ends[end].tick(now: now)
      case 2, 3:
        var frames: [UInt8] = []
        while let packet = ends[end].nextPacket(now: now, into: &frames) {
          precondition(last[end].map { packet.number > $0 } ?? true, "a number used twice")
          last[end] = packet.number
          let isKnown = packet.address == places[1 - end]
          if isKnown, flying.count < 64 {
            flying.append(Flying(to: 1 - end, number: packet.number, frames: frames))
          }
          frames = []
        }
      case 4, 5:
        guard !flying.isEmpty else { continue }
        let index = Int(script.number()) % flying.count
        let packet = operation & 64 == 0 ? flying.remove(at: index) : flying[index]
        packet.frames.withUnsafeBytes {
          ends[packet.to].receive(
            $0, number: packet.number, from: places[1 - packet.to], now: now, using: &random)
        }
      case 6:
        let number = UInt64(script.number()) << (operation & 64 == 0 ? 0 : 40)
        let frames = script.bytes(Int(script.number()))
        frames.withUnsafeBytes {
          ends[end].receive(
            $0, number: number, from: places[Int(operation >> 5) % 3], now: now, using: &random)
        }
      default:
        if operation & 64 == 0 {
          ends[end].read(Int(script.number()) * 256, now: now) { _ in }
        } else if operation & 32 == 0 {
          ends[end].finish()
        } else {
          ends[end].reset(UInt64(script.number()), now: now)
        }
      }
      for stream in ends {
        precondition(stream.allocated <= 1 << 20, "the stream overflows")
        precondition(stream.inFlight >= 0)
      }
    }
  }
}
