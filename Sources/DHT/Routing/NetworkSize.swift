import Wire

/// How many nodes there are, judged by how near our nearest are (as in libtorrent and Jimenez 2011).
enum NetworkSize {
  /// The estimate from distances to one point, nearest first; 0 for none.
  ///
  /// The i-th of N uniform ids lies at i / N of the id space: least squares over all of them.
  static func estimate(distances: [Bytes32]) -> Double {
    var above = 0.0
    var below = 0.0
    for (index, distance) in distances.enumerated() {
      let rank = Double(index + 1)
      above += rank * rank
      below += rank * fraction(distance)
    }
    return below > 0 ? above / below : 0
  }

  /// The part of the id space that lies nearer than this distance.
  static func fraction(_ distance: Bytes32) -> Double {
    Double(distance.words.0) / 0x1p64 + Double(distance.words.1) / 0x1p128
  }
}
