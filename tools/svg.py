"""A drawing of rectangles, lines and text, as an SVG file. What bench/plot.py and tools/prof.py draw with."""
from xml.sax.saxutils import escape, quoteattr


class Drawing:
    """Coordinates are pixels from the upper left corner; colours and other attributes are SVG's own, `_` for `-`."""

    def __init__(self, width, height, font=11):
        self.width, self.height, self.font = width, height, font
        self.parts = []

    def add(self, element, text=None, **attributes):
        said = "".join(" %s=%s" % (k.rstrip("_").replace("_", "-"), quoteattr(number(v))) for k, v in attributes.items() if v is not None)
        self.parts.append("<%s%s/>" % (element, said) if text is None else "<%s%s>%s</%s>" % (element, said, escape(text), element))

    def rect(self, x, y, w, h, fill, title=None, **more):
        if title is None:
            self.add("rect", x=x, y=y, width=w, height=h, fill=fill, **more)
        else:
            self.parts.append("<g>")
            self.add("title", title)
            self.add("rect", x=x, y=y, width=w, height=h, fill=fill, **more)
            self.parts.append("</g>")

    def line(self, x1, y1, x2, y2, stroke, width=1, **more):
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=stroke, stroke_width=width, **more)

    def circle(self, x, y, r, fill, **more):
        self.add("circle", cx=x, cy=y, r=r, fill=fill, **more)

    def text(self, x, y, text, anchor="start", fill="#222", **more):
        self.add("text", text, x=x, y=y, text_anchor=anchor, fill=fill, **more)

    def __str__(self):
        head = '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="DejaVu Sans, Verdana, sans-serif" font-size="%d">' % (
            self.width, self.height, self.width, self.height, self.font)
        return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>'] + self.parts + ["</svg>"]) + "\n"


def number(v):
    """Short, and the same everywhere."""
    return ("%.2f" % v).rstrip("0").rstrip(".") if isinstance(v, float) else str(v)
