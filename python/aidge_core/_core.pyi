"""
The native part of aidge_core: tensors, graphs, operators, execution, statistics and graph rewriting.
"""

from __future__ import annotations
import collections.abc
import enum
import numpy
import numpy.typing
import typing

__all__: list = [
    "UnsupportedError",
    "dtype",
    "dformat",
    "Tensor",
    "InputCategory",
    "Operator",
    "Node",
    "GraphView",
    "NodeAttributes",
    "HookHandle",
    "GraphInput",
    "GraphOutput",
    "sequential",
    "parallel",
    "residual",
    "get_connected_graph_view",
    "producers",
    "OperatorAttributes",
    "make_node",
    "Producer",
    "GenericOperator",
    "meta_operator",
    "operator_input_types",
    "operator_types",
    "Conv1D",
    "PaddedConv1D",
    "ConvDepthWise1D",
    "PaddedConvDepthWise1D",
    "ConvTranspose1D",
    "MaxPooling1D",
    "PaddedMaxPooling1D",
    "AvgPooling1D",
    "PaddedAvgPooling1D",
    "BatchNorm1D",
    "Conv2D",
    "PaddedConv2D",
    "ConvDepthWise2D",
    "PaddedConvDepthWise2D",
    "ConvTranspose2D",
    "MaxPooling2D",
    "PaddedMaxPooling2D",
    "AvgPooling2D",
    "PaddedAvgPooling2D",
    "BatchNorm2D",
    "Conv3D",
    "PaddedConv3D",
    "ConvDepthWise3D",
    "PaddedConvDepthWise3D",
    "ConvTranspose3D",
    "MaxPooling3D",
    "PaddedMaxPooling3D",
    "AvgPooling3D",
    "PaddedAvgPooling3D",
    "BatchNorm3D",
    "ReLU",
    "Sigmoid",
    "Tanh",
    "HardSwish",
    "LeakyReLU",
    "PReLU",
    "GeLU",
    "Clip",
    "HardSigmoid",
    "Softmax",
    "Add",
    "Sub",
    "Mul",
    "Div",
    "MatMul",
    "FC",
    "Gemm",
    "GlobalAveragePooling",
    "GlobalMaxPooling",
    "GlobalLpPooling",
    "ReduceMean",
    "LRN",
    "InstanceNorm",
    "GroupNorm",
    "LayerNorm",
    "RMSNorm",
    "Identity",
    "Cast",
    "Dropout",
    "Concat",
    "Flatten",
    "Reshape",
    "Transpose",
    "Squeeze",
    "Unsqueeze",
    "Pad",
    "Abs",
    "Acos",
    "Acosh",
    "And",
    "ArgMax",
    "ArgMin",
    "Asin",
    "Asinh",
    "Atan",
    "Atanh",
    "BitShift",
    "BitwiseAnd",
    "BitwiseNot",
    "BitwiseOr",
    "BitwiseXor",
    "Ceil",
    "Celu",
    "ConstantOfShape",
    "Cos",
    "Cosh",
    "CumSum",
    "DepthToSpace",
    "DequantizeLinear",
    "Elu",
    "Equal",
    "Erf",
    "Exp",
    "Expand",
    "EyeLike",
    "Floor",
    "Gather",
    "GatherElements",
    "GatherND",
    "Greater",
    "GreaterOrEqual",
    "Hardmax",
    "IsInf",
    "IsNaN",
    "Less",
    "LessOrEqual",
    "Log",
    "LogSoftmax",
    "LpNormalization",
    "LpPooling1D",
    "LpPooling2D",
    "LpPooling3D",
    "Max",
    "MaxPoolingIndices1D",
    "MaxPoolingIndices2D",
    "MaxPoolingIndices3D",
    "Mean",
    "Min",
    "Mish",
    "Mod",
    "Neg",
    "Not",
    "OneHot",
    "Or",
    "Pow",
    "QuantizeLinear",
    "Range",
    "Reciprocal",
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceMax",
    "ReduceMin",
    "ReduceProd",
    "ReduceSum",
    "ReduceSumSquare",
    "Resize",
    "ReverseSequence",
    "Round",
    "ScatterElements",
    "ScatterND",
    "Selu",
    "Shape",
    "Shrink",
    "Sign",
    "Sin",
    "Sinh",
    "Size",
    "Slice",
    "Softplus",
    "Softsign",
    "SpaceToDepth",
    "Split",
    "Sqrt",
    "Swish",
    "Tan",
    "ThresholdedRelu",
    "Tile",
    "TopK",
    "Trilu",
    "Where",
    "Xor",
    "set_generic_provider",
    "StepReport",
    "PlanReport",
    "SequentialScheduler",
    "SignBalance",
    "ChannelActivity",
    "Covariance",
    "eigenvalues",
    "remove_identity",
    "remove_dropout",
    "fuse_batchnorm",
    "ConvolutionMerge",
    "RefusedMerge",
    "FusionReport",
    "fuse_convolution",
    "ChannelSource",
    "ChannelUse",
    "ChannelGroup",
    "RemovedChannels",
    "RefusedRemoval",
    "RemovalReport",
    "channel_groups",
    "remove_channels",
    "Method",
    "NormalizationMethod",
    "GroupMethod",
    "AblationCriteria",
    "AblationMethod",
    "NPR",
    "fibnlr_add_npr",
    "fibnlr_set_npr",
    "fibnlr_has_npr",
    "fibnlr_get_npr",
    "fibnlr_try_get_npr",
    "NNPR",
    "fibnlr_add_nnpr",
    "fibnlr_set_nnpr",
    "fibnlr_has_nnpr",
    "fibnlr_get_nnpr",
    "fibnlr_try_get_nnpr",
    "ActivityTracker",
    "fibnlr_add_activity_tracker",
    "fibnlr_set_activity_tracker",
    "fibnlr_has_activity_tracker",
    "fibnlr_get_activity_tracker",
    "fibnlr_try_get_activity_tracker",
    "Group",
    "fibnlr_add_group",
    "fibnlr_set_group",
    "fibnlr_has_group",
    "fibnlr_get_group",
    "fibnlr_try_get_group",
    "fibnlr_Parameters",
    "fibnlr_Convergence",
    "fibnlr",
    "fibnlr_prepare",
    "fibnlr_compute",
    "fibnlr_prune",
    "fibnlr_fit_affine",
    "fibnlr_replace_by_affine",
    "fibnlr_compute_NNPR",
    "fibnlr_find_groups",
    "fibnlr_find_node_by_group",
    "fibnlr_compare_NNPR",
    "NormalisationMethod",
    "fibnlr_Method",
    "fibnlr_NormalizationMethod",
    "fibnlr_NormalisationMethod",
    "fibnlr_GroupMethod",
    "fibnlr_AblationCriteria",
    "fibnlr_AblationMethod",
    "fibnlr_NPR",
    "fibnlr_NNPR",
    "fibnlr_ActivityTracker",
    "fibnlr_Group",
    "fibnlr_is_conv",
    "fibnlr_is_tensor",
    "fibnlr_is_child_of",
    "fibnlr_get_kernel_dims",
    "fibnlr_get_kernel_strides",
    "fibnlr_in_channels",
    "fibnlr_out_channels",
    "fibnlr_compute_kernel_dims",
    "fibnlr_compute_kernel_strides",
    "fibnlr_conv_from",
    "fibnlr_merge_conv",
    "fibnlr_merges_exactly",
    "pfa_UnitStrategy",
    "pfa_TieRule",
    "pfa_Pooling",
    "pfa_kl_divergence",
    "pfa_linear_ratio",
    "pfa_count_of_ratio",
    "pfa_energy_count",
    "pfa_size_threshold",
    "pfa_inactive_units",
    "pfa_removal_order",
    "pfa_collect",
    "eliminate_units",
    "pivoted_cholesky",
    "predict_units",
    "ridge_regression",
    "held_out_ridge",
    "CompensationMethod",
    "LayerCompensation",
    "CompensationReport",
    "CalibrationData",
    "collect_inputs",
    "compensate_layers",
]

class UnsupportedError(RuntimeError):
    """
    An operator or a graph that the library or the chosen backend cannot handle; the text lists all offenders.
    """

class dtype(enum.Enum):
    """
    Element type of a Tensor. A dtype argument also takes NumPy's dtypes and their names.
    """

    bfloat16: typing.ClassVar[_dtype]
    boolean: typing.ClassVar[_dtype]
    float16: typing.ClassVar[_dtype]
    float32: typing.ClassVar[_dtype]
    float64: typing.ClassVar[_dtype]
    int16: typing.ClassVar[_dtype]
    int32: typing.ClassVar[_dtype]
    int64: typing.ClassVar[_dtype]
    int8: typing.ClassVar[_dtype]
    uint16: typing.ClassVar[_dtype]
    uint32: typing.ClassVar[_dtype]
    uint64: typing.ClassVar[_dtype]
    uint8: typing.ClassVar[_dtype]
    @classmethod
    def __new__(cls, value): ...
    @property
    def dtype(self) -> numpy.dtype[typing.Any]:
        """
        The same type as numpy.dtype.
        """

_dtype: typing.TypeAlias = dtype

class dformat(enum.Enum):
    """
    Meaning of the axes of a Tensor; the memory is always row-major over its dims.
    """

    default: typing.ClassVar[dformat]
    ncdhw: typing.ClassVar[dformat]
    nchw: typing.ClassVar[dformat]
    ndhwc: typing.ClassVar[dformat]
    nhwc: typing.ClassVar[dformat]
    @classmethod
    def __new__(cls, value): ...

class Tensor:
    """
    Dense row-major array in host memory. np.asarray, memoryview and DLPack see the same memory without a copy.
    """

    __hash__: typing.ClassVar[None] = None
    @staticmethod
    def from_dlpack(array: typing.Any) -> Tensor:
        """
        A tensor over the memory of any array in host memory that has __dlpack__; copied only where it is not C-contiguous.
        """
    @staticmethod
    def full(
        dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
        value: typing.SupportsFloat | typing.SupportsIndex,
        dtype: _dtype | numpy.typing.DTypeLike = ...,
    ) -> Tensor:
        """
        A tensor of those dims with all elements set to `value`.
        """
    def __array__(self, dtype: typing.Any = None, copy: bool | None = None) -> numpy.ndarray: ...
    def __bool__(self) -> bool: ...
    def __copy__(self) -> Tensor: ...
    def __deepcopy__(self, memo: typing.Any) -> Tensor: ...
    def __dlpack__(self, **kwargs) -> typing.Any:
        """
        A DLPack capsule over the memory; of a read-only tensor over a copy. Options as in the array API (stream, max_version, dl_device, copy).
        """
    def __dlpack_device__(self) -> tuple[int, int]:
        """
        (kDLCPU, 0).
        """
    def __eq__(self, arg0: Tensor) -> bool:
        """
        True where dims, types and all elements are equal.
        """
    def __float__(self) -> float: ...
    def __getitem__(self, index: typing.Any) -> typing.Any:
        """
        What NumPy's indexing gives: a scalar or a view.
        """
    def __getstate__(self) -> tuple: ...
    @typing.overload
    def __init__(self) -> None:
        """
        An empty tensor: no dims, no data.
        """
    @typing.overload
    def __init__(
        self,
        *,
        dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
        dtype: _dtype | numpy.typing.DTypeLike = ...,
        dformat: dformat = ...,
    ) -> None:
        """
        Dims and type without data.
        """
    @typing.overload
    def __init__(
        self, data: typing.Any, dtype: _dtype | numpy.typing.DTypeLike | None = None
    ) -> None:
        """
        A tensor over an array. Shares the memory of C-contiguous arrays of native byte order (NumPy, and torch by DLPack), and
        keeps it alive; other arrays and Python lists are copied. Python floats become float32; arrays keep their type.
        """
    def __int__(self) -> int: ...
    def __len__(self) -> int:
        """
        Extent of the first axis, as NumPy has it.
        """
    def __ne__(self, arg0: Tensor) -> bool: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    def __setitem__(self, index: typing.Any, value: typing.Any) -> None:
        """
        NumPy's assignment.
        """
    def __setstate__(self, arg0: tuple) -> None: ...
    def cast(self, dtype: _dtype | numpy.typing.DTypeLike) -> Tensor:
        """
        A converted copy; shares the data where the type is already right.
        """
    def clone(self) -> Tensor:
        """
        A copy with writable memory of its own.
        """
    def copy_from(self, other: typing.Any) -> None:
        """
        Copies the values of an array of the same dims and type into this memory.
        """
    def has_data(self) -> bool:
        """
        False between forward_dims and forward.
        """
    def is_undefined(self) -> bool:
        """
        True for an empty tensor.
        """
    def item(self) -> typing.Any:
        """
        The only element, as a Python scalar.
        """
    def numpy(self) -> numpy.ndarray:
        """
        A NumPy view of the memory, which it keeps alive; read-only where the tensor is. ValueError where there is no data.
        """
    def reshape(self, dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]) -> Tensor:
        """
        The same data under other dims of the same product.
        """
    def set_data_format(self, data_format: dformat) -> None:
        """
        Changes what the axes mean; moves no data.
        """
    def tolist(self) -> typing.Any:
        """
        Nested lists of Python scalars.
        """
    @property
    def backend(self) -> str:
        """
        Where the memory lies: always the host.
        """
    @property
    def dformat(self) -> dformat:
        """
        Meaning of the axes.
        """
    @property
    def dims(self) -> list[int]:
        """
        Extent of every axis, outermost first.
        """
    @property
    def dtype(self) -> _dtype:
        """
        Element type.
        """
    @property
    def is_writable(self) -> bool:
        """
        False for a producer's value, arrays that NumPy calls read-only, and tensors without data.
        """
    @property
    def nbytes(self) -> int:
        """
        Bytes of all elements.
        """
    @property
    def ndim(self) -> int:
        """
        Number of axes.
        """
    @property
    def shape(self) -> tuple:
        """
        The dims as a tuple, as NumPy has them.
        """
    @property
    def size(self) -> int:
        """
        Number of elements.
        """

class InputCategory(enum.Enum):
    """
    What an operator's input is for.
    """

    Data: typing.ClassVar[InputCategory]
    OptionalData: typing.ClassVar[InputCategory]
    OptionalParam: typing.ClassVar[InputCategory]
    Param: typing.ClassVar[InputCategory]
    @classmethod
    def __new__(cls, value): ...

class Operator:
    """
    An operator: its type, its attributes, and the tensors at its inputs and outputs.
    """
    def __init__(
        self, type: str, attributes: dict = {}, nb_inputs: typing.SupportsInt | typing.SupportsIndex = 0
    ) -> None:
        """
        An operator of a registered type; `nb_inputs` counts for types with any number of inputs.
        """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    def clone(self) -> Operator: ...
    def get_input(self, input_idx: typing.SupportsInt | typing.SupportsIndex) -> Tensor | None:
        """
        The tensor that arrives there, as it is now; None where nothing is known.
        """
    def get_micro_graph(self) -> GraphView:
        """
        The graph inside a meta operator; ValueError for any other (ask is_meta).
        """
    def get_output(self, output_idx: typing.SupportsInt | typing.SupportsIndex) -> Tensor:
        """
        The tensor that the last finished run left there (whichever scheduler ran it), as it is now; a producer's value is read-only.
        """
    def input_category(self, input_idx: typing.SupportsInt | typing.SupportsIndex) -> InputCategory: ...
    def input_name(self, input_idx: typing.SupportsInt | typing.SupportsIndex) -> str: ...
    def is_generic(self) -> bool:
        """
        True for a type that this library does not know; kept and exported, refused at compile.
        """
    def is_meta(self) -> bool:
        """
        True where the work is a graph of its own.
        """
    def is_producer(self) -> bool: ...
    def macs(self) -> float:
        """
        Multiply-accumulates for the dims of the last forward_dims. ValueError before that, and if only a run tells the dims.
        """
    def nb_inputs(self) -> int: ...
    def nb_outputs(self) -> int: ...
    def output_name(self, output_idx: typing.SupportsInt | typing.SupportsIndex) -> str: ...
    def parameters(self) -> int:
        """
        Elements of a producer of a floating-point type, which is what reports count as parameters; 0 for all other operators.
        """
    def set_input(self, input_idx: typing.SupportsInt | typing.SupportsIndex, data: typing.Any) -> None: ...
    def set_output(self, output_idx: typing.SupportsInt | typing.SupportsIndex, data: typing.Any) -> None:
        """
        Replaces the output tensor; on a producer its value, which is copied.
        """
    def type(self) -> str:
        """
        The type, for example "Conv2D".
        """
    @property
    def attr(self) -> OperatorAttributes:
        """
        The attributes.
        """

class Node:
    """
    One operator in a graph, with a name, edges, annotations and hooks. Equal only to itself.
    """
    def __eq__(self, arg0: Node) -> bool: ...
    def __hash__(self) -> int: ...
    def __init__(self, op: Operator, name: str = "") -> None: ...
    def __ne__(self, arg0: Node) -> bool: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    def add_after_forward(self, hook: collections.abc.Callable) -> HookHandle:
        """
        The same after each run; the outputs can be read from the operator.
        """
    def add_before_forward(self, hook: collections.abc.Callable) -> HookHandle:
        """
        Calls `hook(node)` (or `hook()`) before each run of this node; its inputs can be read from the operator. The node keeps the callable
        until the handle's remove(): one that refers to the node or its graph keeps both alive until then.
        """
    @typing.overload
    def add_child(
        self,
        other_node: Node,
        out_id: typing.SupportsInt | typing.SupportsIndex = 0,
        other_in_id: typing.SupportsInt | typing.SupportsIndex | None = None,
    ) -> None:
        """
        Connects an output to an input of another node, by default its first free data input.
        """
    @typing.overload
    def add_child(
        self,
        other_graph: GraphView,
        out_id: typing.SupportsInt | typing.SupportsIndex = 0,
        other_in_id: tuple[Node, typing.SupportsInt | typing.SupportsIndex] | None = None,
    ) -> None:
        """
        Connects an output to the only input of a graph, or to other_in_id=(node, index).
        """
    def attributes(self) -> NodeAttributes:
        """
        Annotations, and the names of the typed attributes.
        """
    def clone(self) -> Node:
        """
        Copy of the operator (a producer's data too), the name and the attributes; no edges, no hooks.
        """
    def get_children(self) -> set[Node]:
        """
        All consumers.
        """
    def get_nb_inputs(self) -> int: ...
    def get_nb_outputs(self) -> int: ...
    def get_operator(self) -> Operator:
        """
        The operator.
        """
    def get_ordered_children(self) -> list[list[Node]]:
        """
        The consumers of every output, in order of creation.
        """
    def get_parent(self, in_id: typing.SupportsInt | typing.SupportsIndex) -> Node | None:
        """
        None where nothing is connected.
        """
    def get_parents(self) -> list[Node | None]:
        """
        One entry an input, None where nothing is connected.
        """
    def has_hooks(self) -> bool: ...
    def has_observers(self) -> bool: ...
    def id(self) -> int:
        """
        Unique in this process; grows in order of creation.
        """
    def input(self, in_id: typing.SupportsInt | typing.SupportsIndex) -> tuple[Node | None, int]:
        """
        (parent, its output index); (None, 0) where nothing is connected.
        """
    def input_category(self, idx: typing.SupportsInt | typing.SupportsIndex) -> InputCategory: ...
    def inputs(self) -> list[tuple[Node | None, int]]:
        """
        One (parent, its output index) an input.
        """
    def name(self) -> str:
        """
        Unique within a graph.
        """
    def output(self, out_id: typing.SupportsInt | typing.SupportsIndex) -> list[tuple[Node, int]]:
        """
        Consumers of one output as (child, its input index).
        """
    def outputs(self) -> list[list[tuple[Node, int]]]:
        """
        Consumers of every output.
        """
    def reset_input(self, in_id: typing.SupportsInt | typing.SupportsIndex) -> None:
        """
        Disconnects an input.
        """
    def set_input(
        self,
        in_id: typing.SupportsInt | typing.SupportsIndex,
        parent: Node,
        out_id: typing.SupportsInt | typing.SupportsIndex = 0,
    ) -> None:
        """
        Connects an input to a parent's output, in place of what was there. ValueError on a cycle.
        """
    def set_name(self, name: str) -> None:
        """
        ValueError if a graph of this node has another node of that name.
        """
    def type(self) -> str:
        """
        The operator's type, for example "Conv2D".
        """
    @property
    def revision(self) -> int:
        """
        Grows with every edit.
        """

class GraphView:
    """
    A set of nodes with ordered, named inputs and outputs. Every edit bumps `version`; one that fails changes nothing.
    """
    @typing.overload
    def __contains__(self, node: Node) -> bool: ...
    @typing.overload
    def __contains__(self, node_name: str) -> bool: ...
    def __init__(self, name: str = "") -> None: ...
    def __iter__(self) -> collections.abc.Iterator: ...
    def __len__(self) -> int: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    @typing.overload
    def add(self, other_node: Node, include_learnable_parameters: bool = True) -> None:
        """
        Adds a node and the producers that feed it.
        """
    @typing.overload
    def add(self, other_graph: GraphView, include_learnable_parameters: bool = True) -> None:
        """
        Adds all nodes of another graph (shared, not copied), its inputs and outputs after ours.
        """
    @typing.overload
    def add(
        self, other_nodes: collections.abc.Iterable, include_learnable_parameters: bool = True
    ) -> None: ...
    def add_child(
        self,
        to_other_node: Node,
        from_out_node: Node | str | None = None,
        from_tensor: typing.SupportsInt | typing.SupportsIndex = 0,
        to_tensor: typing.SupportsInt | typing.SupportsIndex | None = None,
    ) -> None:
        """
        Connects a node after the graph's only output, or after a node of the graph, and adds it.
        """
    def bypass(self, node: Node | str) -> None:
        """
        Takes a node of one data input out and wires its parent to its consumers.
        """
    def clone(self) -> GraphView:
        """
        Copies nodes, operators, data, annotations, inputs and outputs; hooks stay behind.
        """
    def compile(
        self,
        backend: str,
        datatype: _dtype | numpy.typing.DTypeLike = ...,
        device: typing.SupportsInt | typing.SupportsIndex = 0,
        dims: collections.abc.Sequence[
            collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]
        ] = [],
        **kwargs,
    ) -> None:
        """
        Fixes backend, type and shapes (`dims`: one list an input; by default the declared ones, free axes taken as 1).
        Further keywords are the backend's options for this graph: "cpu" knows convolution_accuracy="direct", "default" or "fast"
        (see aidge_backend_cpu.set_convolution_accuracy, before which it goes), and convolution_choice="rule", "measure" (runs
        every kernel that could do when a plan is made, takes the fastest and remembers it for the process) or "winograd"
        (wherever it is possible, for benchmarks).
        UnsupportedError lists every node that the backend cannot run; ValueError for an unknown option.
        """
    def find_node(self, node_name: str) -> Node | None:
        """
        None where there is none.
        """
    def forward_dims(
        self,
        dims: collections.abc.Sequence[
            collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]
        ] = [],
        allow_data_dependency: bool = False,
    ) -> bool:
        """
        Infers the dims of every tensor. ValueError names the node where shapes do not fit; True otherwise.
        """
    def get_input_nodes(self) -> set[Node]:
        """
        All nodes that an input feeds.
        """
    def get_node(self, node_name: str) -> Node:
        """
        ValueError with the nearest names where there is none.
        """
    def get_nodes(self) -> set[Node]:
        """
        All nodes.
        """
    def get_ordered_inputs(self) -> list[tuple[Node, int]]:
        """
        First (node, input index) of every input.
        """
    def get_ordered_nodes(self, reversed: bool = False, *, deep: bool = False) -> list[Node]:
        """
        Deterministic topological order; with `deep`, meta operators are followed by the nodes inside them.
        """
    def get_ordered_outputs(self) -> list[tuple[Node, int]]:
        """
        (node, output index) of every output.
        """
    def get_output_nodes(self) -> set[Node]: ...
    @typing.overload
    def in_view(self, node: Node) -> bool: ...
    @typing.overload
    def in_view(self, node_name: str) -> bool: ...
    def infer_shapes(
        self,
        dims: collections.abc.Sequence[
            collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]
        ] = [],
    ) -> dict:
        """
        {node: [(dims, dtype) an output]} for these input dims, nodes inside meta operators included; changes nothing.
        """
    def insert_child(
        self,
        parent_node: Node,
        parent_output_tensor_idx: typing.SupportsInt | typing.SupportsIndex,
        new_child_node: Node,
    ) -> None:
        """
        Puts a node of one data input and one output between an output and all that consumed it.
        """
    def name(self) -> str: ...
    def owner_of(self, node: Node) -> GraphView | None:
        """
        The graph that holds the node: this one or one inside a meta operator; else None.
        """
    def remove(self, node: Node | str, include_learnable_parameters: bool = True) -> None:
        """
        Takes a node out, with the producers that feed nothing else.
        """
    def replace(self, old_node: typing.Any, new_node: typing.Any) -> None:
        """
        Puts a node (inputs and outputs of the same count) in the place of another; or a list of connected nodes in the place of a
        collection of nodes that takes one tensor from outside, producers aside, and gives one: the first new node's input 0 gets it, the
        last one's output 0 is read instead. ValueError if several tensors are taken or given.
        """
    def root_node(self) -> Node | None:
        """
        The node that the first input feeds; without inputs the first in order; None in an empty graph.
        """
    def set_backend(self, backend: str, device: typing.SupportsInt | typing.SupportsIndex = 0) -> None: ...
    def set_datatype(self, datatype: _dtype | numpy.typing.DTypeLike) -> None: ...
    def set_inputs(self, inputs: collections.abc.Sequence[GraphInput]) -> None:
        """
        Declares the inputs; free data inputs that no entry lists become inputs of their own.
        """
    def set_mandatory_inputs_first(self) -> None:
        """
        Puts inputs that feed a mandatory data input before the others; stable.
        """
    def set_name(self, name: str) -> None: ...
    def set_ordered_inputs(
        self, inputs: collections.abc.Sequence[tuple[Node, typing.SupportsInt | typing.SupportsIndex]]
    ) -> None:
        """
        Puts these inputs first; the others follow in their old order.
        """
    def set_ordered_outputs(
        self, outputs: collections.abc.Sequence[tuple[Node, typing.SupportsInt | typing.SupportsIndex]]
    ) -> None: ...
    def set_outputs(self, outputs: collections.abc.Sequence[GraphOutput]) -> None: ...
    def transaction(self, edit: collections.abc.Callable[[], None]) -> None:
        """
        Calls `edit()`; if it raises, the graph is put back as it was and the exception goes on.
        """
    def unique_name(self, base: str) -> str:
        """
        `base`, or base_1, base_2 …: a name that no node of this graph has.
        """
    @property
    def backend(self) -> str: ...
    @property
    def compiled_dims(self) -> list[list[int]]: ...
    @property
    def datatype(self) -> _dtype: ...
    @property
    def input_specs(self) -> list[GraphInput]:
        """
        The inputs in order: name, dims, dtype and what they feed.
        """
    @property
    def is_compiled(self) -> bool: ...
    @property
    def metadata(self) -> typing.Any:
        """
        Text annotations that travel with the graph, read-only; assign a dict to change them.
        """
    @metadata.setter
    def metadata(self, arg1: collections.abc.Mapping[str, str]) -> None: ...
    @property
    def output_specs(self) -> list[GraphOutput]:
        """
        The outputs in order: name, node, index, dims and dtype.
        """
    @property
    def version(self) -> int:
        """
        Grows with every edit of the graph, its nodes, operators or weights.
        """

class NodeAttributes:
    """
    Free-form annotations of a node; they travel with its clones.
    """
    def __contains__(self, name: str) -> bool: ...
    def __delitem__(self, name: str) -> None: ...
    def __getitem__(self, name: str) -> typing.Any: ...
    def __iter__(self) -> collections.abc.Iterator: ...
    def __len__(self) -> int: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    def __setitem__(self, name: str, value: typing.Any) -> None: ...
    def add_attr(self, name: str, value: typing.Any) -> None:
        """
        Attaches bool, int, float, str, a list of these, or an array.
        """
    def del_attr(self, name: str) -> None: ...
    def dict(self) -> dict:
        """
        All annotations.
        """
    def get_attr(self, name: str) -> typing.Any:
        """
        The value; KeyError where there is none of that name.
        """
    def has_attr(self, name: str) -> bool: ...
    def names(self) -> list[str]:
        """
        Names of the typed attributes that are attached, such as "npr".
        """
    def set_attr(self, name: str, value: typing.Any) -> None: ...

class HookHandle:
    """
    Takes a hook off again, by remove() or at the end of a with block. Dropping it leaves the hook in place.
    """
    def __enter__(self) -> HookHandle: ...
    def __exit__(self, *args) -> None: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def remove(self) -> None:
        """
        Takes the hook off; a second call does nothing.
        """
    @property
    def is_active(self) -> bool:
        """
        False once removed.
        """

class GraphInput:
    """
    A named entry of a graph: what is fed goes to all `targets`.
    """
    def __init__(
        self,
        name: str,
        targets: collections.abc.Sequence[tuple[Node, typing.SupportsInt | typing.SupportsIndex]],
        dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex | None] | None = None,
        dtype: _dtype | numpy.typing.DTypeLike = ...,
    ) -> None: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    @property
    def dims(self) -> list[int | None] | None:
        """
        One int an axis, None where it is free; None where nothing is known.
        """
    @property
    def dtype(self) -> _dtype: ...
    @property
    def name(self) -> str: ...
    @property
    def targets(self) -> list[tuple[Node, int]]:
        """
        (node, input index) of everything that it feeds.
        """

class GraphOutput:
    """
    A named exit of a graph.
    """
    def __init__(
        self, name: str, node: Node, index: typing.SupportsInt | typing.SupportsIndex = 0
    ) -> None: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    @property
    def dims(self) -> list[int | None] | None:
        """
        As the last forward_dims found them; None before.
        """
    @property
    def dtype(self) -> _dtype: ...
    @property
    def index(self) -> int:
        """
        Index of the node's output.
        """
    @property
    def name(self) -> str: ...
    @property
    def node(self) -> Node: ...

class OperatorAttributes:
    """
    The attributes of an operator: attr.kernel_dims, attr["kernel_dims"]; setting validates.
    """
    def __contains__(self, name: str) -> bool: ...
    def __getattr__(self, name: str) -> typing.Any: ...
    def __getitem__(self, name: str) -> typing.Any: ...
    def __iter__(self) -> collections.abc.Iterator: ...
    def __len__(self) -> int: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    def __setattr__(self, name: str, value: typing.Any) -> None: ...
    def __setitem__(self, name: str, value: typing.Any) -> None: ...
    def dict(self) -> dict:
        """
        All names and values.
        """
    def get_attr(self, name: str) -> typing.Any:
        """
        The value; KeyError where there is none of that name.
        """
    def has_attr(self, name: str) -> bool: ...
    def items(self) -> list: ...
    def keys(self) -> list: ...
    def set_attr(self, name: str, value: typing.Any) -> None:
        """
        Sets and validates; a generic operator also takes new names.
        """
    def values(self) -> list: ...

class StepReport:
    """
    One step of an execution plan.
    """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    @property
    def fused(self) -> list[str]:
        """
        Names of the nodes that run inside this step.
        """
    @property
    def implementation(self) -> str:
        """
        The code that runs it.
        """
    @property
    def macs(self) -> float:
        """
        Multiply-accumulates of one pass over the whole batch.
        """
    @property
    def node(self) -> str:
        """
        Name of the main node.
        """
    @property
    def parts(self) -> int:
        """
        Into how many parts of the batch it is cut.
        """
    @property
    def seconds(self) -> float:
        """
        Time spent in it while profiling was on, in seconds; where threads take parts of their own, their mean.
        """
    @property
    def type(self) -> str:
        """
        Its operator type; "Reorder" where data only changes its memory order.
        """

class PlanReport:
    """
    How a graph is executed.
    """
    def __len__(self) -> int: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    @property
    def arena_bytes(self) -> int:
        """
        Memory that the intermediate results share.
        """
    @property
    def steps(self) -> list[StepReport]:
        """
        In order of execution.
        """
    @property
    def weight_bytes(self) -> int:
        """
        Memory of the packed parameters.
        """

class SequentialScheduler:
    """
    Runs a compiled graph. Notices every edit of the graph and keeps one plan for each of the last few input shapes.
    """
    def __init__(self, graph_view: GraphView) -> None:
        """
        ValueError if the graph has no backend: compile it first.
        """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def forward(
        self, data: collections.abc.Sequence | None = None, *, forward_dims: bool = True
    ) -> list[Tensor]:
        """
        One pass. `data`: one array or Tensor a graph input, in order; extra trailing ones (labels) are ignored; None: the last data again.
        Returns the graph's outputs in order (row-major, float32) and shows them at the operators' outputs, where
        the run that finished last is seen; `output` tells this scheduler's own. Shapes are always inferred:
        `forward_dims` is accepted for compatibility. The GIL is released. ValueError where an array does not fit its input.
        """
    def keep_outputs(self, nodes: collections.abc.Sequence[Node | str]) -> None:
        """
        Keeps these nodes' outputs (nodes or names) at every forward, for `output` and in their operators; replaces what was asked before.
        """
    def output(self, node: Node | str, output_idx: typing.SupportsInt | typing.SupportsIndex = 0) -> Tensor:
        """
        What this scheduler's last forward left of a graph output or of a node (or name) of keep_outputs, whatever other schedulers of
        the graph do. ValueError for any other.
        """
    def report(self) -> PlanReport:
        """
        How the last forward ran; empty before the first.
        """
    def set_profiling(self, on: bool = True) -> None:
        """
        Times every step from now on.
        """
    @property
    def graph_view(self) -> GraphView:
        """
        The graph that it runs.
        """

class SignBalance:
    """
    Sums of magnitudes on either side of zero; mergeable.
    """

    __hash__: typing.ClassVar[None] = None
    def __copy__(self) -> SignBalance: ...
    def __deepcopy__(self, memo: dict) -> SignBalance: ...
    def __eq__(self, arg0: SignBalance) -> bool: ...
    def __getstate__(self) -> tuple[float, float]: ...
    def __init__(
        self,
        neg: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        pos: typing.SupportsFloat | typing.SupportsIndex = 0.0,
    ) -> None: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    def __setstate__(
        self,
        arg0: tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex],
    ) -> None: ...
    def add(
        self,
        value: typing.SupportsFloat | typing.SupportsIndex,
        upper: typing.SupportsFloat | typing.SupportsIndex = ...,
    ) -> None:
        """
        Takes one value: v < 0 adds |v| to neg, else v to pos; v > upper also adds v - upper to neg.
        """
    @typing.overload
    def add_array(
        self,
        values: numpy.typing.NDArray[numpy.float32],
        upper: typing.SupportsFloat | typing.SupportsIndex = ...,
    ) -> None:
        """
        Takes all values of an array of any shape.
        """
    @typing.overload
    def add_array(
        self,
        values: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        upper: typing.SupportsFloat | typing.SupportsIndex = ...,
    ) -> None: ...
    def is_finite(self) -> bool:
        """
        False once a NaN or an infinity has been added.
        """
    def merge(self, other: SignBalance) -> None:
        """
        Adds what another accumulator has seen.
        """
    def value(self) -> float:
        """
        (neg + eps) / (pos + eps), eps = 2.2e-16; 1.0 where nothing was seen.
        """
    @property
    def neg(self) -> float:
        """
        Sum of |v| over v < 0.
        """
    @neg.setter
    def neg(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def pos(self) -> float:
        """
        Sum of v over v >= 0.
        """
    @pos.setter
    def pos(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None: ...

class ChannelActivity:
    """
    Which channels were never > 0; mergeable.
    """

    __hash__: typing.ClassVar[None] = None
    def __copy__(self) -> ChannelActivity: ...
    def __deepcopy__(self, memo: dict) -> ChannelActivity: ...
    def __eq__(self, arg0: ChannelActivity) -> bool: ...
    def __getstate__(self) -> tuple[list[bool]]: ...
    def __init__(self, neurons: collections.abc.Sequence[bool] = []) -> None: ...
    def __len__(self) -> int: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, arg0: tuple) -> None: ...
    def add(
        self,
        index: typing.SupportsInt | typing.SupportsIndex,
        value: typing.SupportsFloat | typing.SupportsIndex,
    ) -> None:
        """
        Takes one value of channel `index`; the list grows (dead) up to that index where it is shorter.
        """
    def count_dead_neurons(self) -> int: ...
    def is_dead(self, index: typing.SupportsInt | typing.SupportsIndex) -> bool:
        """
        ValueError unless index < len(neurons).
        """
    def merge(self, other: ChannelActivity) -> None:
        """
        A channel is dead where both say so.
        """
    @property
    def neurons(self) -> list[bool]:
        """
        One bool a channel, True = dead. Reading gives a copy.
        """
    @neurons.setter
    def neurons(self, arg0: collections.abc.Sequence[bool]) -> None: ...

class Covariance:
    """
    Streaming covariance of rows, in double and by the pairwise update; mergeable. How the rows are cut into calls of
    `add` does not change a bit of the result.
    """
    def __copy__(self) -> Covariance: ...
    def __deepcopy__(self, memo: dict) -> Covariance: ...
    def __getstate__(
        self,
    ) -> tuple[int, numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]: ...
    @typing.overload
    def __init__(self) -> None: ...
    @typing.overload
    def __init__(
        self,
        samples: typing.SupportsInt | typing.SupportsIndex,
        mean: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        scatter: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    ) -> None:
        """
        Puts back what the properties of those names gave.
        """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    def __setstate__(
        self,
        arg0: tuple[
            typing.SupportsInt | typing.SupportsIndex,
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
        ],
    ) -> None: ...
    @typing.overload
    def add(self, rows: numpy.typing.NDArray[numpy.float32]) -> None:
        """
        Takes an array (samples, units) of any real type. ValueError where the units are not as many as before, or on NaN or infinity
        (naming the samples); nothing is taken then.
        """
    @typing.overload
    def add(self, rows: typing.Annotated[numpy.typing.ArrayLike, numpy.float64]) -> None: ...
    def flush(self) -> None:
        """
        Works off the last rows, which wait to be taken together; the properties do the same on a copy.
        """
    def matrix(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        (units, units): the unbiased covariance. ValueError below 2 samples, or where a square has overflowed.
        """
    def merge(self, other: Covariance) -> None:
        """
        Adds what another accumulator has seen.
        """
    @property
    def mean(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        (units,): mean of the rows.
        """
    @property
    def samples(self) -> int:
        """
        Rows taken.
        """
    @property
    def scatter(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        (units * (units + 1) / 2,): upper triangle, row by row, of the sum of (x - mean)(x - mean)^T.
        """
    @property
    def units(self) -> int:
        """
        Values a row; 0 before the first.
        """

class ConvolutionMerge:
    """
    A merge, made or proposed. MACs count one an element for channel-wise layers and sums, one a tap for average
    pooling; latency is in seconds for one forward pass of these layers alone.
    """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    def to_dict(self) -> dict[str, typing.Any]: ...
    @property
    def border(self) -> str:
        """
        "exact", "shift" (exact, with the input shifted), "image" (exact, with an image added) or "approximate".
        """
    @property
    def error(self) -> float | None:
        """
        Of an approximate merge, at its output: largest difference relative to the largest value, on the data.
        """
    @property
    def macs_after(self) -> float: ...
    @property
    def macs_before(self) -> float: ...
    @property
    def name(self) -> str:
        """
        Of the new layer.
        """
    @property
    def nodes(self) -> list[str]:
        """
        What it stands for, in order.
        """
    @property
    def parameters_after(self) -> float: ...
    @property
    def parameters_before(self) -> float: ...
    @property
    def seconds_after(self) -> float | None: ...
    @property
    def seconds_before(self) -> float | None:
        """
        None where it was not measured.
        """
    @property
    def type(self) -> str:
        """
        Conv1D, Conv2D, Conv3D or FC.
        """

class RefusedMerge:
    """
    Two layers that follow each other and stay two.
    """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    @property
    def first(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def second(self) -> str: ...

class FusionReport:
    """
    What fuse_convolution did; `print(report)` shows a table.
    """
    def __len__(self) -> int: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    def __str__(self) -> str: ...
    def to_dict(self) -> dict[str, typing.Any]:
        """
        For JSON.
        """
    @property
    def error(self) -> float | None:
        """
        At the network's outputs, where some merge is approximate; else None.
        """
    @property
    def macs_after(self) -> float: ...
    @property
    def macs_before(self) -> float:
        """
        Of the whole network.
        """
    @property
    def merged(self) -> list[ConvolutionMerge]: ...
    @property
    def parameters_after(self) -> float: ...
    @property
    def parameters_before(self) -> float: ...
    @property
    def refused(self) -> list[RefusedMerge]: ...
    @property
    def seconds_after(self) -> float | None: ...
    @property
    def seconds_before(self) -> float | None:
        """
        One forward pass; None where it was not measured.
        """
    @property
    def uncounted(self) -> int:
        """
        How many operators the MACs leave out: their sizes are known only in a run.
        """

class ChannelSource:
    """
    A layer with weights (Conv, ConvTranspose, FC, Gemm, MatMul) that makes channels of a group.
    """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    @property
    def channels(self) -> list[int]:
        """
        One entry an output channel: which channel of the group it is.
        """
    @property
    def node(self) -> Node: ...

class ChannelUse:
    """
    A layer with weights that reads channels of a group.
    """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    @property
    def channels(self) -> list[int]:
        """
        One entry an input channel (FC: input feature, in Flatten's order): which channel of the group, -1: none.
        """
    @property
    def input(self) -> int:
        """
        Where the data arrives.
        """
    @property
    def node(self) -> Node: ...

class ChannelGroup:
    """
    Output channels of layers that can only be removed together. A channel of a group is one such set: one output channel of every
    layer that is added up, all its values after Flatten, the same place in every group of a grouped convolution.
    """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    def can_be_cut(self) -> bool:
        """
        Whether some of its channels can be removed.
        """
    @property
    def crossed(self) -> list[Node]:
        """
        What the channels pass on the way: BatchNorm, activations, pooling, Add, depthwise convolutions ...
        """
    @property
    def fixed(self) -> list[int]:
        """
        Channels that must stay; ascending.
        """
    @property
    def products(self) -> list[ChannelUse]:
        """
        Products of two tensors of data that sum over channels of the group, as that of queries and keys; `channels` has one entry
        for each index that is summed over.
        """
    @property
    def refusal(self) -> str:
        """
        Why those in `fixed` must stay; "" where there are none.
        """
    @property
    def size(self) -> int:
        """
        Channels.
        """
    @property
    def sources(self) -> list[ChannelSource]:
        """
        In topological order; never empty.
        """
    @property
    def uses(self) -> list[ChannelUse]:
        """
        In topological order.
        """

class RemovedChannels:
    """
    What one layer of a group lost.
    """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    @property
    def before(self) -> int:
        """
        Its output channels.
        """
    @property
    def channels(self) -> list[int]:
        """
        Which of them went; ascending.
        """
    @property
    def node(self) -> str:
        """
        Its name.
        """

class RefusedRemoval:
    """
    A request that was not, or not wholly, followed.
    """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    @property
    def channels(self) -> list[int]:
        """
        Channels of the group that stay though they were named.
        """
    @property
    def nodes(self) -> list[str]:
        """
        Names of the group's sources.
        """
    @property
    def reason(self) -> str: ...

class RemovalReport:
    """
    What remove_channels did; `print(report)` shows a table.
    """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    def __str__(self) -> str: ...
    def to_dict(self) -> dict[str, typing.Any]:
        """
        For JSON.
        """
    @property
    def macs_after(self) -> float: ...
    @property
    def macs_before(self) -> float:
        """
        Of the whole network, as its operators count them.
        """
    @property
    def parameters_after(self) -> float: ...
    @property
    def parameters_before(self) -> float:
        """
        Values of all constants of floating-point type.
        """
    @property
    def passed(self) -> list[RemovedChannels]:
        """
        Layers with weights that lost outputs with the channels that pass them (depthwise convolutions), in topological order.
        """
    @property
    def refused(self) -> list[RefusedRemoval]: ...
    @property
    def removed(self) -> list[list[RemovedChannels]]:
        """
        One list of RemovedChannels a group that was cut, in topological order.
        """
    @property
    def uncounted(self) -> int:
        """
        How many operators the MACs leave out: their sizes are known only in a run.
        """

class Method(enum.Enum):
    """
    Exceptions to the normalisation.
    """

    LOOSE: typing.ClassVar[Method]
    Loose: typing.ClassVar[Method]
    STRICT: typing.ClassVar[Method]
    Strict: typing.ClassVar[Method]
    @classmethod
    def __new__(cls, value): ...

class NormalizationMethod(enum.Enum):
    """
    How NPR becomes NNPR within a group.
    """

    AVERAGE: typing.ClassVar[NormalizationMethod]
    Average: typing.ClassVar[NormalizationMethod]
    MIN_MAX: typing.ClassVar[NormalizationMethod]
    MinMax: typing.ClassVar[NormalizationMethod]
    NONE: typing.ClassVar[NormalizationMethod]
    SUM: typing.ClassVar[NormalizationMethod]
    Sum: typing.ClassVar[NormalizationMethod]
    @classmethod
    def __new__(cls, value): ...

class GroupMethod(enum.Enum):
    """
    How activations are grouped.
    """

    IMAGE_SIZE: typing.ClassVar[GroupMethod]
    ImageSize: typing.ClassVar[GroupMethod]
    MANUAL: typing.ClassVar[GroupMethod]
    Manual: typing.ClassVar[GroupMethod]
    NONE: typing.ClassVar[GroupMethod]
    @classmethod
    def __new__(cls, value): ...

class AblationCriteria(enum.Enum):
    """
    Which activations are eligible.
    """

    NONE: typing.ClassVar[AblationCriteria]
    THRESHOLD: typing.ClassVar[AblationCriteria]
    Threshold: typing.ClassVar[AblationCriteria]
    XLeastPerGroup: typing.ClassVar[AblationCriteria]
    X_LEAST_PER_GROUP: typing.ClassVar[AblationCriteria]
    @classmethod
    def __new__(cls, value): ...

class AblationMethod(enum.Enum):
    """
    What happens to eligible activations.
    """

    AFFINE: typing.ClassVar[AblationMethod]
    IDENTITY: typing.ClassVar[AblationMethod]
    Identity: typing.ClassVar[AblationMethod]
    NONE: typing.ClassVar[AblationMethod]
    REMOVE: typing.ClassVar[AblationMethod]
    Remove: typing.ClassVar[AblationMethod]
    @classmethod
    def __new__(cls, value): ...

class NPR(SignBalance):
    """
    Negative/positive ratio at a node's input: sums of magnitudes over all batches.
    """

    __hash__: typing.ClassVar[None] = None
    def __copy__(self) -> NPR: ...
    def __deepcopy__(self, memo: dict) -> NPR: ...
    def __eq__(self, arg0: NPR) -> bool: ...
    def __getstate__(self) -> tuple[float, float]: ...
    def __init__(
        self,
        neg: typing.SupportsFloat | typing.SupportsIndex = 0.0,
        pos: typing.SupportsFloat | typing.SupportsIndex = 0.0,
    ) -> None: ...
    def __lt__(self, arg0: NPR) -> bool: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    def __setstate__(
        self,
        arg0: tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex],
    ) -> None: ...

class NNPR:
    """
    NPR normalised within its group; NaN from fibnlr_prepare until fibnlr_compute.
    """

    __hash__: typing.ClassVar[None] = None
    def __copy__(self) -> NNPR: ...
    def __deepcopy__(self, memo: dict) -> NNPR: ...
    def __eq__(self, arg0: NNPR) -> bool: ...
    def __getstate__(self) -> tuple[float]: ...
    def __init__(self, value: typing.SupportsFloat | typing.SupportsIndex = 0.0) -> None: ...
    def __lt__(self, arg0: NNPR) -> bool: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, arg0: tuple) -> None: ...
    @property
    def value(self) -> float: ...
    @value.setter
    def value(self, arg0: typing.SupportsFloat | typing.SupportsIndex) -> None: ...

class ActivityTracker(ChannelActivity):
    """
    Which channels of a node's input were never > 0.
    """

    __hash__: typing.ClassVar[None] = None
    def __copy__(self) -> ActivityTracker: ...
    def __deepcopy__(self, memo: dict) -> ActivityTracker: ...
    def __eq__(self, arg0: ActivityTracker) -> bool: ...
    def __getstate__(self) -> tuple[list[bool]]: ...
    def __init__(self, neurons: collections.abc.Sequence[bool] = []) -> None: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, arg0: tuple) -> None: ...

class Group:
    """
    The group in which a node is normalised and ranked.
    """
    def __copy__(self) -> Group: ...
    def __deepcopy__(self, memo: dict) -> Group: ...
    def __eq__(self, arg0: Group) -> bool: ...
    def __getstate__(self) -> tuple[int]: ...
    def __hash__(self) -> int: ...
    def __init__(self, id: typing.SupportsInt | typing.SupportsIndex = 0) -> None: ...
    def __lt__(self, arg0: Group) -> bool: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, arg0: tuple) -> None: ...
    @property
    def id(self) -> int: ...
    @id.setter
    def id(self, arg0: typing.SupportsInt | typing.SupportsIndex) -> None: ...

class fibnlr_Parameters:
    """
    Everything that steers FIBNLR.
    """

    __hash__: typing.ClassVar[None] = None
    @staticmethod
    def none() -> fibnlr_Parameters:
        """
        STRICT, and every method NONE.
        """
    @staticmethod
    def paper() -> fibnlr_Parameters:
        """
        The choices of the FIBNLR paper: LOOSE, AVERAGE, IMAGE_SIZE, X_LEAST_PER_GROUP, IDENTITY.
        """
    def __copy__(self) -> fibnlr_Parameters: ...
    def __deepcopy__(self, memo: dict) -> fibnlr_Parameters: ...
    def __eq__(self, arg0: fibnlr_Parameters) -> bool: ...
    def __getstate__(self) -> dict: ...
    def __init__(
        self,
        *,
        method: Method = Method.STRICT,
        normalization: NormalizationMethod | None = None,
        group: GroupMethod = GroupMethod.IMAGE_SIZE,
        ablation_criteria: AblationCriteria = AblationCriteria.THRESHOLD,
        ablation_method: AblationMethod = AblationMethod.IDENTITY,
        ablation_threshold: typing.SupportsFloat | typing.SupportsIndex = 0.1,
        ablation_x_least: typing.SupportsInt | typing.SupportsIndex = 1,
        ablation_min_kept: typing.SupportsInt | typing.SupportsIndex = 0,
        max_iteration: typing.SupportsInt | typing.SupportsIndex = 100,
        convergence_threshold: typing.SupportsFloat | typing.SupportsIndex = 1e-06,
        group_assignments: dict[Node | str, int] | None = None,
        prunable_types: collections.abc.Sequence[str] = ["ReLU", "LeakyReLU", "GeLU"],
        normalisation: NormalizationMethod | None = None,
    ) -> None:
        """
        `normalization` (SUM) and `normalisation` are one parameter. ValueError where a value is out of range.
        """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, arg0: dict) -> None: ...
    def validate(self) -> None:
        """
        ValueError, naming the parameter, where a value is out of range.
        """
    @property
    def ablation_criteria(self) -> AblationCriteria:
        """
        Which activations are eligible.
        """
    @ablation_criteria.setter
    def ablation_criteria(self, arg1: AblationCriteria) -> None: ...
    @property
    def ablation_method(self) -> AblationMethod:
        """
        What happens to eligible activations; NONE is a dry run.
        """
    @ablation_method.setter
    def ablation_method(self, arg1: AblationMethod) -> None: ...
    @property
    def ablation_min_kept(self) -> int:
        """
        Activations that stay in each group whatever the criterion.
        """
    @ablation_min_kept.setter
    def ablation_min_kept(self, arg1: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def ablation_threshold(self) -> float:
        """
        Eligible activations have NNPR < this; finite, >= 0.
        """
    @ablation_threshold.setter
    def ablation_threshold(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def ablation_x_least(self) -> int:
        """
        For X_LEAST_PER_GROUP.
        """
    @ablation_x_least.setter
    def ablation_x_least(self, arg1: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def convergence_threshold(self) -> float:
        """
        Converged once the sum of the squared changes of NPR is < this; >= 0.
        """
    @convergence_threshold.setter
    def convergence_threshold(self, arg1: typing.SupportsFloat | typing.SupportsIndex) -> None: ...
    @property
    def group(self) -> GroupMethod:
        """
        How activations are grouped.
        """
    @group.setter
    def group(self, arg1: GroupMethod) -> None: ...
    @property
    def group_assignments(self) -> dict[Node | str, int]:
        """
        For GroupMethod.MANUAL: {node or node name: group}. May be edited in place; assigning copies.
        """
    @group_assignments.setter
    def group_assignments(self, arg1: dict[Node | str, int]) -> None: ...
    @property
    def max_iteration(self) -> int:
        """
        Batches at most; 0 = no limit.
        """
    @max_iteration.setter
    def max_iteration(self, arg1: typing.SupportsInt | typing.SupportsIndex) -> None: ...
    @property
    def method(self) -> Method:
        """
        LOOSE: a group of one keeps its NPR.
        """
    @method.setter
    def method(self, arg1: Method) -> None: ...
    @property
    def normalisation(self) -> NormalizationMethod:
        """
        The same as `normalization`.
        """
    @normalisation.setter
    def normalisation(self, arg1: NormalizationMethod) -> None: ...
    @property
    def normalization(self) -> NormalizationMethod:
        """
        How NPR becomes NNPR within a group.
        """
    @normalization.setter
    def normalization(self, arg1: NormalizationMethod) -> None: ...
    @property
    def prunable_types(self) -> list[str]:
        """
        Operator types that may go, out of ReLU, LeakyReLU, GeLU, PReLU, Clip. Reading gives a copy.
        """
    @prunable_types.setter
    def prunable_types(self, arg1: collections.abc.Sequence[str]) -> None: ...

class fibnlr_Convergence:
    """
    What fibnlr_compute did: a sequence of the convergence values, one an iteration from the second on.
    """

    __hash__: typing.ClassVar[None] = None
    def __contains__(self, value: typing.Any) -> bool: ...
    @typing.overload
    def __eq__(self, arg0: fibnlr_Convergence) -> bool: ...
    @typing.overload
    def __eq__(self, arg0: collections.abc.Sequence) -> bool: ...
    @typing.overload
    def __getitem__(self, index: typing.SupportsInt | typing.SupportsIndex) -> float: ...
    @typing.overload
    def __getitem__(self, index: slice) -> list[float]: ...
    def __getstate__(self) -> tuple[list[float], bool, int, int, int]: ...
    def __iter__(self) -> collections.abc.Iterator[float]: ...
    def __len__(self) -> int: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    def __setstate__(self, arg0: tuple) -> None: ...
    def count(self, value: typing.Any) -> int: ...
    def index(self, value: typing.Any) -> int: ...
    @property
    def converged(self) -> bool:
        """
        The last value was below convergence_threshold.
        """
    @property
    def iterations(self) -> int:
        """
        Batches run.
        """
    @property
    def reason(self) -> str:
        """
        "converged", "max_iteration", "out_of_data" or "stopped" (by the progress callback).
        """
    @property
    def samples(self) -> int:
        """
        Sum of the batch sizes.
        """
    @property
    def values(self) -> list[float]:
        """
        The values as a list.
        """

class pfa_UnitStrategy(enum.Enum):
    """
    Which unit of a layer goes next.
    """

    ABS_MAX: typing.ClassVar[pfa_UnitStrategy]
    ABS_MIN: typing.ClassVar[pfa_UnitStrategy]
    L1_MAX: typing.ClassVar[pfa_UnitStrategy]
    L1_MIN: typing.ClassVar[pfa_UnitStrategy]
    RANDOM: typing.ClassVar[pfa_UnitStrategy]
    @classmethod
    def __new__(cls, value): ...

class pfa_TieRule(enum.Enum):
    """
    What decides among equal sums.
    """

    DNIKIT: typing.ClassVar[pfa_TieRule]
    DOCUMENTED: typing.ClassVar[pfa_TieRule]
    @classmethod
    def __new__(cls, value): ...

class pfa_Pooling(enum.Enum):
    """
    One value of a channel's positions.
    """

    AVERAGE: typing.ClassVar[pfa_Pooling]
    MAX: typing.ClassVar[pfa_Pooling]
    SUM: typing.ClassVar[pfa_Pooling]
    @classmethod
    def __new__(cls, value): ...

class CompensationMethod(enum.Enum):
    """
    How a layer makes up for what went before it.
    """

    LEAST_SQUARES: typing.ClassVar[CompensationMethod]
    MEAN_VARIANCE: typing.ClassVar[CompensationMethod]
    @classmethod
    def __new__(cls, value): ...

class LayerCompensation:
    """
    What compensation did to one layer.
    """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    def __repr__(self) -> str: ...
    @property
    def error_after(self) -> float:
        """
        The same with the chosen change.
        """
    @property
    def error_before(self) -> float:
        """
        On held-out samples: mean square of original - current, relative to the original's variance.
        """
    @property
    def is_changed(self) -> bool:
        """
        False: the layer stays as it was.
        """
    @property
    def layer(self) -> str: ...
    @property
    def note(self) -> str:
        """
        Why nothing was done, if nothing was.
        """
    @property
    def ridge(self) -> float | None:
        """
        None: not changed by least squares.
        """
    @property
    def target(self) -> str:
        """
        Node of the original whose output was aimed at.
        """

class CompensationReport:
    """
    What compensate_layers did.
    """
    def __len__(self) -> int: ...
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    @property
    def layers(self) -> list[LayerCompensation]:
        """
        In order of execution.
        """
    @property
    def passes(self) -> int:
        """
        Over the provider.
        """

class CalibrationData:
    """
    Calibration samples that are gone over many times: kept in memory while they fit, read again otherwise.
    """
    def __init__(
        self,
        graph_view: GraphView,
        provider: typing.Any,
        *,
        memory: typing.SupportsInt | typing.SupportsIndex = 2147483648,
    ) -> None:
        """
        Reads `provider` (batches as for fibnlr_compute) once. ValueError where it is empty, or a value is NaN or infinite.
        """
    def __reduce_ex__(self, protocol: typing.SupportsInt | typing.SupportsIndex) -> typing.Any: ...
    @property
    def batches(self) -> int: ...
    @property
    def bytes(self) -> int:
        """
        Kept in memory.
        """
    @property
    def dims(self) -> list[list[int]]:
        """
        Of the inputs of the first batch.
        """
    @property
    def passes(self) -> int:
        """
        Over the provider so far.
        """
    @property
    def samples(self) -> int: ...

def Abs(name: str = "", **kwargs) -> Node:
    """
    Magnitude: y = |x|.

    Attributes, by name: none
    """

def Acos(name: str = "", **kwargs) -> Node:
    """
    y = acos(x).

    Attributes, by name: none
    """

def Acosh(name: str = "", **kwargs) -> Node:
    """
    y = acosh(x).

    Attributes, by name: none
    """

def Add(name: str = "") -> Node:
    """
    A + B with NumPy's broadcasting.
    """

def And(name: str = "", **kwargs) -> Node:
    """
    Truth values, with broadcasting: y = A and B.

    Attributes, by name: none
    """

def ArgMax(name: str = "", **kwargs) -> Node:
    """
    Index (int64) of the greatest value along the axis: of the first such one, or of the last where select_last_index is set.

    Attributes, by name: axis keep_dims select_last_index
    """

def ArgMin(name: str = "", **kwargs) -> Node:
    """
    Index (int64) of the least value along the axis: of the first such one, or of the last where select_last_index is set.

    Attributes, by name: axis keep_dims select_last_index
    """

def Asin(name: str = "", **kwargs) -> Node:
    """
    y = asin(x).

    Attributes, by name: none
    """

def Asinh(name: str = "", **kwargs) -> Node:
    """
    y = asinh(x).

    Attributes, by name: none
    """

def Atan(name: str = "", **kwargs) -> Node:
    """
    y = atan(x).

    Attributes, by name: none
    """

def Atanh(name: str = "", **kwargs) -> Node:
    """
    y = atanh(x).

    Attributes, by name: none
    """

def AvgPooling1D(
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1],
    dilations: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1],
    ceil_mode: bool = False,
) -> Node:
    """
    Mean over windows.

    Input (batch, channels, spatial ...). Lists have one entry a spatial axis; padding_dims the beginnings of all axes, then their ends.
    ceil_mode rounds the output extent up, less a window that would start beyond the data. ValueError where a list does not fit.
    """

def AvgPooling2D(
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1],
    dilations: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1],
    ceil_mode: bool = False,
) -> Node:
    """
    Mean over windows.

    Input (batch, channels, spatial ...). Lists have one entry a spatial axis; padding_dims the beginnings of all axes, then their ends.
    ceil_mode rounds the output extent up, less a window that would start beyond the data. ValueError where a list does not fit.
    """

def AvgPooling3D(
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1, 1],
    dilations: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1, 1],
    ceil_mode: bool = False,
) -> Node:
    """
    Mean over windows.

    Input (batch, channels, spatial ...). Lists have one entry a spatial axis; padding_dims the beginnings of all axes, then their ends.
    ceil_mode rounds the output extent up, less a window that would start beyond the data. ValueError where a list does not fit.
    """

def BatchNorm1D(
    nb_features: typing.SupportsInt | typing.SupportsIndex,
    epsilon: typing.SupportsFloat | typing.SupportsIndex = 1e-05,
    momentum: typing.SupportsFloat | typing.SupportsIndex = 0.1,
    training_mode: bool = False,
    name: str = "",
) -> Node:
    """
    Batch normalisation with fixed statistics: scale * (x - mean) / sqrt(variance + epsilon) + shift, a channel at a time.

    Input (batch, nb_features, ...). Makes producers (nb_features): <name>_scale (1), <name>_shift (0), <name>_mean (0), <name>_var (1).
    ValueError where nb_features < 1, epsilon < 0 or training_mode is set.
    """

def BatchNorm2D(
    nb_features: typing.SupportsInt | typing.SupportsIndex,
    epsilon: typing.SupportsFloat | typing.SupportsIndex = 1e-05,
    momentum: typing.SupportsFloat | typing.SupportsIndex = 0.1,
    training_mode: bool = False,
    name: str = "",
) -> Node:
    """
    Batch normalisation with fixed statistics: scale * (x - mean) / sqrt(variance + epsilon) + shift, a channel at a time.

    Input (batch, nb_features, ...). Makes producers (nb_features): <name>_scale (1), <name>_shift (0), <name>_mean (0), <name>_var (1).
    ValueError where nb_features < 1, epsilon < 0 or training_mode is set.
    """

def BatchNorm3D(
    nb_features: typing.SupportsInt | typing.SupportsIndex,
    epsilon: typing.SupportsFloat | typing.SupportsIndex = 1e-05,
    momentum: typing.SupportsFloat | typing.SupportsIndex = 0.1,
    training_mode: bool = False,
    name: str = "",
) -> Node:
    """
    Batch normalisation with fixed statistics: scale * (x - mean) / sqrt(variance + epsilon) + shift, a channel at a time.

    Input (batch, nb_features, ...). Makes producers (nb_features): <name>_scale (1), <name>_shift (0), <name>_mean (0), <name>_var (1).
    ValueError where nb_features < 1, epsilon < 0 or training_mode is set.
    """

def BitShift(name: str = "", **kwargs) -> Node:
    """
    A shifted by B bits to the LEFT or RIGHT (`direction`), with broadcasting.

    Attributes, by name: direction
    """

def BitwiseAnd(name: str = "", **kwargs) -> Node:
    """
    Bit by bit, with broadcasting: y = A & B.

    Attributes, by name: none
    """

def BitwiseNot(name: str = "", **kwargs) -> Node:
    """
    Bit by bit: y = ~x.

    Attributes, by name: none
    """

def BitwiseOr(name: str = "", **kwargs) -> Node:
    """
    Bit by bit, with broadcasting: y = A | B.

    Attributes, by name: none
    """

def BitwiseXor(name: str = "", **kwargs) -> Node:
    """
    Bit by bit, with broadcasting: y = A ^ B.

    Attributes, by name: none
    """

def Cast(to: _dtype | numpy.typing.DTypeLike, name: str = "") -> Node:
    """
    The values in another type, any shape.
    """

def Ceil(name: str = "", **kwargs) -> Node:
    """
    Smallest whole number that is not less.

    Attributes, by name: none
    """

def Celu(name: str = "", **kwargs) -> Node:
    """
    Continuously differentiable linear unit: y = max(x, 0) + min(0, alpha * (exp(x / alpha) - 1)).

    Attributes, by name: alpha
    """

def Clip(
    name: str = "",
    min: typing.SupportsFloat | typing.SupportsIndex = ...,
    max: typing.SupportsFloat | typing.SupportsIndex = ...,
) -> Node:
    """
    min(max(x, min), max), any shape.
    """

def Concat(
    nb_inputs: typing.SupportsInt | typing.SupportsIndex,
    axis: typing.SupportsInt | typing.SupportsIndex = 0,
    name: str = "",
) -> Node:
    """
    Joins nb_inputs tensors along axis; all other dims agree.
    """

def ConstantOfShape(name: str = "", **kwargs) -> Node:
    """
    A tensor of the dims `shape` filled with one value.

    Attributes, by name: shape value
    """

def Conv1D(
    in_channels: typing.SupportsInt | typing.SupportsIndex,
    out_channels: typing.SupportsInt | typing.SupportsIndex,
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1],
    dilation_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1],
    no_bias: bool = False,
    groups: typing.SupportsInt | typing.SupportsIndex = 1,
) -> Node:
    """
    Convolution without padding.

    Input (batch, in_channels, spatial ...), output (batch, out_channels, spatial ...). Makes zero-filled producers <name>_w
    (out_channels, in_channels / groups, kernel ...) and, unless no_bias, <name>_b (out_channels). Lists have one entry a spatial axis;
    padding_dims the beginnings of all axes, then their ends. ValueError where a count, a list or groups does not fit.
    """

def Conv2D(
    in_channels: typing.SupportsInt | typing.SupportsIndex,
    out_channels: typing.SupportsInt | typing.SupportsIndex,
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1],
    dilation_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1],
    no_bias: bool = False,
    groups: typing.SupportsInt | typing.SupportsIndex = 1,
) -> Node:
    """
    Convolution without padding.

    Input (batch, in_channels, spatial ...), output (batch, out_channels, spatial ...). Makes zero-filled producers <name>_w
    (out_channels, in_channels / groups, kernel ...) and, unless no_bias, <name>_b (out_channels). Lists have one entry a spatial axis;
    padding_dims the beginnings of all axes, then their ends. ValueError where a count, a list or groups does not fit.
    """

def Conv3D(
    in_channels: typing.SupportsInt | typing.SupportsIndex,
    out_channels: typing.SupportsInt | typing.SupportsIndex,
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1, 1],
    dilation_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1, 1],
    no_bias: bool = False,
    groups: typing.SupportsInt | typing.SupportsIndex = 1,
) -> Node:
    """
    Convolution without padding.

    Input (batch, in_channels, spatial ...), output (batch, out_channels, spatial ...). Makes zero-filled producers <name>_w
    (out_channels, in_channels / groups, kernel ...) and, unless no_bias, <name>_b (out_channels). Lists have one entry a spatial axis;
    padding_dims the beginnings of all axes, then their ends. ValueError where a count, a list or groups does not fit.
    """

def ConvDepthWise1D(
    nb_channels: typing.SupportsInt | typing.SupportsIndex,
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1],
    dilation_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1],
    no_bias: bool = False,
) -> Node:
    """
    Convolution with a filter of its own for every channel (groups = nb_channels).

    Input (batch, in_channels, spatial ...), output (batch, out_channels, spatial ...). Makes zero-filled producers <name>_w
    (out_channels, in_channels / groups, kernel ...) and, unless no_bias, <name>_b (out_channels). Lists have one entry a spatial axis;
    padding_dims the beginnings of all axes, then their ends. ValueError where a count, a list or groups does not fit.
    """

def ConvDepthWise2D(
    nb_channels: typing.SupportsInt | typing.SupportsIndex,
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1],
    dilation_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1],
    no_bias: bool = False,
) -> Node:
    """
    Convolution with a filter of its own for every channel (groups = nb_channels).

    Input (batch, in_channels, spatial ...), output (batch, out_channels, spatial ...). Makes zero-filled producers <name>_w
    (out_channels, in_channels / groups, kernel ...) and, unless no_bias, <name>_b (out_channels). Lists have one entry a spatial axis;
    padding_dims the beginnings of all axes, then their ends. ValueError where a count, a list or groups does not fit.
    """

def ConvDepthWise3D(
    nb_channels: typing.SupportsInt | typing.SupportsIndex,
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1, 1],
    dilation_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1, 1],
    no_bias: bool = False,
) -> Node:
    """
    Convolution with a filter of its own for every channel (groups = nb_channels).

    Input (batch, in_channels, spatial ...), output (batch, out_channels, spatial ...). Makes zero-filled producers <name>_w
    (out_channels, in_channels / groups, kernel ...) and, unless no_bias, <name>_b (out_channels). Lists have one entry a spatial axis;
    padding_dims the beginnings of all axes, then their ends. ValueError where a count, a list or groups does not fit.
    """

def ConvTranspose1D(
    in_channels: typing.SupportsInt | typing.SupportsIndex,
    out_channels: typing.SupportsInt | typing.SupportsIndex,
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1],
    dilation_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1],
    no_bias: bool = False,
    padding_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [0, 0],
    output_padding: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [0],
    groups: typing.SupportsInt | typing.SupportsIndex = 1,
) -> Node:
    """
    Transposed convolution: the output extent is (in - 1) * stride + (kernel - 1) * dilation + 1 + output_padding - padding.

    Input (batch, in_channels, spatial ...). Makes zero-filled producers <name>_w (in_channels, out_channels / groups, kernel ...) and, unless
    no_bias, <name>_b (out_channels). ValueError where a count, a list or groups does not fit.
    """

def ConvTranspose2D(
    in_channels: typing.SupportsInt | typing.SupportsIndex,
    out_channels: typing.SupportsInt | typing.SupportsIndex,
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1],
    dilation_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1],
    no_bias: bool = False,
    padding_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [0, 0, 0, 0],
    output_padding: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [0, 0],
    groups: typing.SupportsInt | typing.SupportsIndex = 1,
) -> Node:
    """
    Transposed convolution: the output extent is (in - 1) * stride + (kernel - 1) * dilation + 1 + output_padding - padding.

    Input (batch, in_channels, spatial ...). Makes zero-filled producers <name>_w (in_channels, out_channels / groups, kernel ...) and, unless
    no_bias, <name>_b (out_channels). ValueError where a count, a list or groups does not fit.
    """

def ConvTranspose3D(
    in_channels: typing.SupportsInt | typing.SupportsIndex,
    out_channels: typing.SupportsInt | typing.SupportsIndex,
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1, 1],
    dilation_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1, 1],
    no_bias: bool = False,
    padding_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [0, 0, 0, 0, 0, 0],
    output_padding: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [0, 0, 0],
    groups: typing.SupportsInt | typing.SupportsIndex = 1,
) -> Node:
    """
    Transposed convolution: the output extent is (in - 1) * stride + (kernel - 1) * dilation + 1 + output_padding - padding.

    Input (batch, in_channels, spatial ...). Makes zero-filled producers <name>_w (in_channels, out_channels / groups, kernel ...) and, unless
    no_bias, <name>_b (out_channels). ValueError where a count, a list or groups does not fit.
    """

def Cos(name: str = "", **kwargs) -> Node:
    """
    y = cos(x).

    Attributes, by name: none
    """

def Cosh(name: str = "", **kwargs) -> Node:
    """
    y = cosh(x).

    Attributes, by name: none
    """

def CumSum(name: str = "", **kwargs) -> Node:
    """
    Running sum along the axis: of the values up to each one, without it if `exclusive`, from the end if `reverse`.

    Attributes, by name: axis exclusive reverse
    """

def DepthToSpace(name: str = "", **kwargs) -> Node:
    """
    Moves blocks of channels to space: (N, C, H, W) to (N, C / b², H·b, W·b).

    Attributes, by name: blocksize mode
    """

def DequantizeLinear(name: str = "", **kwargs) -> Node:
    """
    The floats that integers stand for: y = (x - zero point) * scale.

    Attributes, by name: axis
    """

def Div(name: str = "") -> Node:
    """
    A / B with NumPy's broadcasting; integers are truncated towards zero.
    """

def Dropout(ratio: typing.SupportsFloat | typing.SupportsIndex = 0.5, name: str = "") -> Node:
    """
    Hands its input on, as dropout does at inference; ratio in [0, 1].
    """

def Elu(name: str = "", **kwargs) -> Node:
    """
    Exponential linear unit: y = x where x >= 0, else alpha * (exp(x) - 1).

    Attributes, by name: alpha
    """

def Equal(name: str = "", **kwargs) -> Node:
    """
    Truth values, with broadcasting: y = A == B.

    Attributes, by name: none
    """

def Erf(name: str = "", **kwargs) -> Node:
    """
    Gaussian error function: y = erf(x).

    Attributes, by name: none
    """

def Exp(name: str = "", **kwargs) -> Node:
    """
    y = exp(x).

    Attributes, by name: none
    """

def Expand(name: str = "", **kwargs) -> Node:
    """
    The data repeated to the dims that it and `shape` broadcast to.

    Attributes, by name: shape
    """

def EyeLike(name: str = "", **kwargs) -> Node:
    """
    Ones on the k-th diagonal, zeros elsewhere, with the dims of the data.

    Attributes, by name: dtype k
    """

def FC(
    in_channels: typing.SupportsInt | typing.SupportsIndex,
    out_channels: typing.SupportsInt | typing.SupportsIndex,
    no_bias: bool = False,
    name: str = "",
) -> Node:
    """
    Fully connected layer: (batch, ...) flattened to (batch, in_channels), times the weight transposed, plus the bias: (batch, out_channels).

    Makes zero-filled producers <name>_w (out_channels, in_channels) and, unless no_bias, <name>_b (out_channels).
    """

def Flatten(axis: typing.SupportsInt | typing.SupportsIndex = 1, name: str = "") -> Node:
    """
    (product of the dims before axis, product of the others).
    """

def Floor(name: str = "", **kwargs) -> Node:
    """
    Largest whole number that is not greater.

    Attributes, by name: none
    """

def Gather(name: str = "", **kwargs) -> Node:
    """
    Slices of the data at the indices of an axis.

    Attributes, by name: axis
    """

def GatherElements(name: str = "", **kwargs) -> Node:
    """
    The elements of the data at the indices of an axis, one an index.

    Attributes, by name: axis
    """

def GatherND(name: str = "", **kwargs) -> Node:
    """
    The data at tuples of indices.

    Attributes, by name: batch_dims
    """

def GeLU(approximate: str = "none", name: str = "") -> Node:
    """
    x * Phi(x), exactly ("none") or by "tanh", any shape.
    """

def Gemm(
    alpha: typing.SupportsFloat | typing.SupportsIndex = 1.0,
    beta: typing.SupportsFloat | typing.SupportsIndex = 1.0,
    trans_a: bool = False,
    trans_b: bool = False,
    name: str = "",
) -> Node:
    """
    alpha * A' * B' + beta * C for matrices (M, K) and (K, N), transposed as told; C is optional and broadcast to (M, N).
    """

def GenericOperator(
    type: str,
    nb_data: typing.SupportsInt | typing.SupportsIndex,
    nb_param: typing.SupportsInt | typing.SupportsIndex = 0,
    nb_out: typing.SupportsInt | typing.SupportsIndex = 1,
    name: str = "",
    attributes: dict = {},
    **kwargs,
) -> Node:
    """
    A node of any type, with any attributes (`attributes` and keywords), that nothing can run natively. The attribute
    "output_dims" (for each output its rank, then its dims) tells shape inference what comes out.
    """

def GlobalAveragePooling(name: str = "") -> Node:
    """
    Mean over all spatial axes: (batch, channels, spatial ...) to (batch, channels, 1 ...).
    """

def GlobalLpPooling(p: typing.SupportsInt | typing.SupportsIndex = 2, name: str = "") -> Node:
    """
    p-norm of all spatial axes: (batch, channels, spatial ...) to (batch, channels, 1 ...).
    """

def GlobalMaxPooling(name: str = "") -> Node:
    """
    Maximum over all spatial axes: (batch, channels, spatial ...) to (batch, channels, 1 ...).
    """

def Greater(name: str = "", **kwargs) -> Node:
    """
    Truth values, with broadcasting: y = A > B.

    Attributes, by name: none
    """

def GreaterOrEqual(name: str = "", **kwargs) -> Node:
    """
    Truth values, with broadcasting: y = A >= B.

    Attributes, by name: none
    """

def GroupNorm(
    nb_features: typing.SupportsInt | typing.SupportsIndex,
    groups: typing.SupportsInt | typing.SupportsIndex,
    epsilon: typing.SupportsFloat | typing.SupportsIndex = 1e-05,
    name: str = "",
) -> Node:
    """
    The same over each image's group of channels; nb_features is a multiple of groups.
    """

def HardSigmoid(
    alpha: typing.SupportsFloat | typing.SupportsIndex = 0.2,
    beta: typing.SupportsFloat | typing.SupportsIndex = 0.5,
    name: str = "",
) -> Node:
    """
    min(max(alpha * x + beta, 0), 1), any shape.
    """

def HardSwish(name: str = "") -> Node:
    """
    x * min(max(x / 6 + 0.5, 0), 1), any shape.
    """

def Hardmax(name: str = "", **kwargs) -> Node:
    """
    1 at the first greatest value along the axis, 0 elsewhere.

    Attributes, by name: axis
    """

def Identity(name: str = "") -> Node:
    """
    Hands its input on.
    """

def InstanceNorm(
    nb_features: typing.SupportsInt | typing.SupportsIndex,
    epsilon: typing.SupportsFloat | typing.SupportsIndex = 1e-05,
    name: str = "",
) -> Node:
    """
    scale * (x - mean) / sqrt(variance + epsilon) + bias over each image's channel of (batch, nb_features, ...).

    Makes producers (nb_features): <name>_scale (1), <name>_bias (0).
    """

def IsInf(name: str = "", **kwargs) -> Node:
    """
    Whether x is infinite: positive (unless detect_positive is off) or negative (unless detect_negative is off).

    Attributes, by name: detect_negative detect_positive
    """

def IsNaN(name: str = "", **kwargs) -> Node:
    """
    Whether x is no number.

    Attributes, by name: none
    """

def LRN(
    size: typing.SupportsInt | typing.SupportsIndex,
    alpha: typing.SupportsFloat | typing.SupportsIndex = 0.0001,
    beta: typing.SupportsFloat | typing.SupportsIndex = 0.75,
    bias: typing.SupportsFloat | typing.SupportsIndex = 1.0,
    name: str = "",
) -> Node:
    """
    x / (bias + alpha / size * sum of x^2 over `size` neighbouring channels)^beta for (batch, channels, ...).
    """

def LayerNorm(
    nb_features: typing.SupportsInt | typing.SupportsIndex,
    epsilon: typing.SupportsFloat | typing.SupportsIndex = 1e-05,
    name: str = "",
) -> Node:
    """
    The same over the last axis of (..., nb_features); outputs 1 and 2 are mean and 1 / sqrt(variance + epsilon).
    """

def LeakyReLU(negative_slope: typing.SupportsFloat | typing.SupportsIndex = 0.0, name: str = "") -> Node:
    """
    x where x >= 0, else negative_slope * x, any shape.
    """

def Less(name: str = "", **kwargs) -> Node:
    """
    Truth values, with broadcasting: y = A < B.

    Attributes, by name: none
    """

def LessOrEqual(name: str = "", **kwargs) -> Node:
    """
    Truth values, with broadcasting: y = A <= B.

    Attributes, by name: none
    """

def Log(name: str = "", **kwargs) -> Node:
    """
    Natural logarithm: y = log(x).

    Attributes, by name: none
    """

def LogSoftmax(name: str = "", **kwargs) -> Node:
    """
    Its logarithm: y = x - log(sum of exp(x) along axis).

    Attributes, by name: axis
    """

def LpNormalization(name: str = "", **kwargs) -> Node:
    """
    Along the axis: y = x / (sum of |x|^p)^(1/p), p = 1 or 2; 0 if that norm is 0.

    Attributes, by name: axis p
    """

def LpPooling1D(name: str = "", **kwargs) -> Node:
    """
    p-norm of windows: y[n, c, i] = (sum over k of |data[n, c, i * stride + k * dilation - padding]|^p)^(1 / p).

    Attributes, by name: auto_pad ceil_mode dilation_dims kernel_dims p padding_dims stride_dims
    """

def LpPooling2D(name: str = "", **kwargs) -> Node:
    """
    p-norm of windows: y[n, c, i] = (sum over k of |data[n, c, i * stride + k * dilation - padding]|^p)^(1 / p).

    Attributes, by name: auto_pad ceil_mode dilation_dims kernel_dims p padding_dims stride_dims
    """

def LpPooling3D(name: str = "", **kwargs) -> Node:
    """
    p-norm of windows: y[n, c, i] = (sum over k of |data[n, c, i * stride + k * dilation - padding]|^p)^(1 / p).

    Attributes, by name: auto_pad ceil_mode dilation_dims kernel_dims p padding_dims stride_dims
    """

def MatMul(name: str = "") -> Node:
    """
    (..., M, K) times (..., K, N) gives (..., M, N), as numpy.matmul does.
    """

def Max(nb_inputs: typing.SupportsInt | typing.SupportsIndex, name: str = "", **kwargs) -> Node:
    """
    Greatest of any number of inputs, with broadcasting; NaN wins.

    Attributes, by name: none
    """

def MaxPooling1D(
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1],
    dilations: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1],
    ceil_mode: bool = False,
) -> Node:
    """
    Maximum over windows.

    Input (batch, channels, spatial ...). Lists have one entry a spatial axis; padding_dims the beginnings of all axes, then their ends.
    ceil_mode rounds the output extent up, less a window that would start beyond the data. ValueError where a list does not fit.
    """

def MaxPooling2D(
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1],
    dilations: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1],
    ceil_mode: bool = False,
) -> Node:
    """
    Maximum over windows.

    Input (batch, channels, spatial ...). Lists have one entry a spatial axis; padding_dims the beginnings of all axes, then their ends.
    ceil_mode rounds the output extent up, less a window that would start beyond the data. ValueError where a list does not fit.
    """

def MaxPooling3D(
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1, 1],
    dilations: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1, 1],
    ceil_mode: bool = False,
) -> Node:
    """
    Maximum over windows.

    Input (batch, channels, spatial ...). Lists have one entry a spatial axis; padding_dims the beginnings of all axes, then their ends.
    ceil_mode rounds the output extent up, less a window that would start beyond the data. ValueError where a list does not fit.
    """

def MaxPoolingIndices1D(name: str = "", **kwargs) -> Node:
    """
    Maximum over windows, and the place of each maximum in the data.

    Attributes, by name: auto_pad ceil_mode column_major dilation_dims kernel_dims padding_dims stride_dims
    """

def MaxPoolingIndices2D(name: str = "", **kwargs) -> Node:
    """
    Maximum over windows, and the place of each maximum in the data.

    Attributes, by name: auto_pad ceil_mode column_major dilation_dims kernel_dims padding_dims stride_dims
    """

def MaxPoolingIndices3D(name: str = "", **kwargs) -> Node:
    """
    Maximum over windows, and the place of each maximum in the data.

    Attributes, by name: auto_pad ceil_mode column_major dilation_dims kernel_dims padding_dims stride_dims
    """

def Mean(nb_inputs: typing.SupportsInt | typing.SupportsIndex, name: str = "", **kwargs) -> Node:
    """
    Mean of any number of inputs, with broadcasting: y = (sum of the inputs) / their number.

    Attributes, by name: none
    """

def Min(nb_inputs: typing.SupportsInt | typing.SupportsIndex, name: str = "", **kwargs) -> Node:
    """
    Least of any number of inputs, with broadcasting; NaN wins.

    Attributes, by name: none
    """

def Mish(name: str = "", **kwargs) -> Node:
    """
    y = x * tanh(log(1 + exp(x))).

    Attributes, by name: none
    """

def Mod(name: str = "", **kwargs) -> Node:
    """
    Remainder with broadcasting, with the sign of B, or with that of A where fmod is set.

    Attributes, by name: fmod
    """

def Mul(name: str = "") -> Node:
    """
    A * B with NumPy's broadcasting.
    """

def Neg(name: str = "", **kwargs) -> Node:
    """
    y = -x.

    Attributes, by name: none
    """

def Not(name: str = "", **kwargs) -> Node:
    """
    y = not x.

    Attributes, by name: none
    """

def OneHot(name: str = "", **kwargs) -> Node:
    """
    values[1] where the new axis's index is that of the data, else values[0].

    Attributes, by name: axis
    """

def Or(name: str = "", **kwargs) -> Node:
    """
    Truth values, with broadcasting: y = A or B.

    Attributes, by name: none
    """

def PReLU(
    nb_channels: typing.SupportsInt | typing.SupportsIndex = 1,
    name: str = "",
    spatial_dims: typing.SupportsInt | typing.SupportsIndex = 2,
) -> Node:
    """
    x where x >= 0, else slope * x. Makes the producer <name>_slope filled with 0.25: (1) for one channel, else (nb_channels, 1 ...) with
    `spatial_dims` ones, which lines up with the channels of (batch, channels, spatial ...).
    """

def Pad(
    pads: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    mode: str = "constant",
    value: typing.SupportsFloat | typing.SupportsIndex = 0.0,
    axes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [],
    name: str = "",
) -> Node:
    """
    Adds elements around the input: pads holds the counts before every axis, then those after (of `axes`, or of all if that is empty).

    mode: "constant" fills in `value`, and negative counts crop; "reflect" mirrors, "edge" repeats the border, "wrap" goes on at the other end.
    """

def PaddedAvgPooling1D(
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1],
    padding_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [0, 0],
    dilations: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1],
    ceil_mode: bool = False,
    count_include_pad: bool = False,
) -> Node:
    """
    Mean over windows; padding counts as zeros with count_include_pad, else not at all.

    Input (batch, channels, spatial ...). Lists have one entry a spatial axis; padding_dims the beginnings of all axes, then their ends.
    ceil_mode rounds the output extent up, less a window that would start beyond the data. ValueError where a list does not fit.
    """

def PaddedAvgPooling2D(
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1],
    padding_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [0, 0, 0, 0],
    dilations: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1],
    ceil_mode: bool = False,
    count_include_pad: bool = False,
) -> Node:
    """
    Mean over windows; padding counts as zeros with count_include_pad, else not at all.

    Input (batch, channels, spatial ...). Lists have one entry a spatial axis; padding_dims the beginnings of all axes, then their ends.
    ceil_mode rounds the output extent up, less a window that would start beyond the data. ValueError where a list does not fit.
    """

def PaddedAvgPooling3D(
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1, 1],
    padding_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [0, 0, 0, 0, 0, 0],
    dilations: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1, 1],
    ceil_mode: bool = False,
    count_include_pad: bool = False,
) -> Node:
    """
    Mean over windows; padding counts as zeros with count_include_pad, else not at all.

    Input (batch, channels, spatial ...). Lists have one entry a spatial axis; padding_dims the beginnings of all axes, then their ends.
    ceil_mode rounds the output extent up, less a window that would start beyond the data. ValueError where a list does not fit.
    """

def PaddedConv1D(
    in_channels: typing.SupportsInt | typing.SupportsIndex,
    out_channels: typing.SupportsInt | typing.SupportsIndex,
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1],
    padding_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [0, 0],
    dilation_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1],
    no_bias: bool = False,
    groups: typing.SupportsInt | typing.SupportsIndex = 1,
) -> Node:
    """
    Convolution with zero padding.

    Input (batch, in_channels, spatial ...), output (batch, out_channels, spatial ...). Makes zero-filled producers <name>_w
    (out_channels, in_channels / groups, kernel ...) and, unless no_bias, <name>_b (out_channels). Lists have one entry a spatial axis;
    padding_dims the beginnings of all axes, then their ends. ValueError where a count, a list or groups does not fit.
    """

def PaddedConv2D(
    in_channels: typing.SupportsInt | typing.SupportsIndex,
    out_channels: typing.SupportsInt | typing.SupportsIndex,
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1],
    padding_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [0, 0, 0, 0],
    dilation_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1],
    no_bias: bool = False,
    groups: typing.SupportsInt | typing.SupportsIndex = 1,
) -> Node:
    """
    Convolution with zero padding.

    Input (batch, in_channels, spatial ...), output (batch, out_channels, spatial ...). Makes zero-filled producers <name>_w
    (out_channels, in_channels / groups, kernel ...) and, unless no_bias, <name>_b (out_channels). Lists have one entry a spatial axis;
    padding_dims the beginnings of all axes, then their ends. ValueError where a count, a list or groups does not fit.
    """

def PaddedConv3D(
    in_channels: typing.SupportsInt | typing.SupportsIndex,
    out_channels: typing.SupportsInt | typing.SupportsIndex,
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1, 1],
    padding_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [0, 0, 0, 0, 0, 0],
    dilation_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1, 1],
    no_bias: bool = False,
    groups: typing.SupportsInt | typing.SupportsIndex = 1,
) -> Node:
    """
    Convolution with zero padding.

    Input (batch, in_channels, spatial ...), output (batch, out_channels, spatial ...). Makes zero-filled producers <name>_w
    (out_channels, in_channels / groups, kernel ...) and, unless no_bias, <name>_b (out_channels). Lists have one entry a spatial axis;
    padding_dims the beginnings of all axes, then their ends. ValueError where a count, a list or groups does not fit.
    """

def PaddedConvDepthWise1D(
    nb_channels: typing.SupportsInt | typing.SupportsIndex,
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1],
    padding_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [0, 0],
    dilation_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1],
    no_bias: bool = False,
) -> Node:
    """
    Zero-padded convolution with a filter of its own for every channel (groups = nb_channels).

    Input (batch, in_channels, spatial ...), output (batch, out_channels, spatial ...). Makes zero-filled producers <name>_w
    (out_channels, in_channels / groups, kernel ...) and, unless no_bias, <name>_b (out_channels). Lists have one entry a spatial axis;
    padding_dims the beginnings of all axes, then their ends. ValueError where a count, a list or groups does not fit.
    """

def PaddedConvDepthWise2D(
    nb_channels: typing.SupportsInt | typing.SupportsIndex,
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1],
    padding_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [0, 0, 0, 0],
    dilation_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1],
    no_bias: bool = False,
) -> Node:
    """
    Zero-padded convolution with a filter of its own for every channel (groups = nb_channels).

    Input (batch, in_channels, spatial ...), output (batch, out_channels, spatial ...). Makes zero-filled producers <name>_w
    (out_channels, in_channels / groups, kernel ...) and, unless no_bias, <name>_b (out_channels). Lists have one entry a spatial axis;
    padding_dims the beginnings of all axes, then their ends. ValueError where a count, a list or groups does not fit.
    """

def PaddedConvDepthWise3D(
    nb_channels: typing.SupportsInt | typing.SupportsIndex,
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1, 1],
    padding_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [0, 0, 0, 0, 0, 0],
    dilation_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1, 1],
    no_bias: bool = False,
) -> Node:
    """
    Zero-padded convolution with a filter of its own for every channel (groups = nb_channels).

    Input (batch, in_channels, spatial ...), output (batch, out_channels, spatial ...). Makes zero-filled producers <name>_w
    (out_channels, in_channels / groups, kernel ...) and, unless no_bias, <name>_b (out_channels). Lists have one entry a spatial axis;
    padding_dims the beginnings of all axes, then their ends. ValueError where a count, a list or groups does not fit.
    """

def PaddedMaxPooling1D(
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1],
    padding_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [0, 0],
    dilations: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1],
    ceil_mode: bool = False,
) -> Node:
    """
    Maximum over windows; padding never wins.

    Input (batch, channels, spatial ...). Lists have one entry a spatial axis; padding_dims the beginnings of all axes, then their ends.
    ceil_mode rounds the output extent up, less a window that would start beyond the data. ValueError where a list does not fit.
    """

def PaddedMaxPooling2D(
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1],
    padding_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [0, 0, 0, 0],
    dilations: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1],
    ceil_mode: bool = False,
) -> Node:
    """
    Maximum over windows; padding never wins.

    Input (batch, channels, spatial ...). Lists have one entry a spatial axis; padding_dims the beginnings of all axes, then their ends.
    ceil_mode rounds the output extent up, less a window that would start beyond the data. ValueError where a list does not fit.
    """

def PaddedMaxPooling3D(
    kernel_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    stride_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1, 1],
    padding_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [0, 0, 0, 0, 0, 0],
    dilations: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1, 1, 1],
    ceil_mode: bool = False,
) -> Node:
    """
    Maximum over windows; padding never wins.

    Input (batch, channels, spatial ...). Lists have one entry a spatial axis; padding_dims the beginnings of all axes, then their ends.
    ceil_mode rounds the output extent up, less a window that would start beyond the data. ValueError where a list does not fit.
    """

def Pow(name: str = "", **kwargs) -> Node:
    """
    Power with broadcasting, in the type of A: y = A^B.

    Attributes, by name: none
    """

@typing.overload
def Producer(tensor: typing.Any, name: str = "", constant: bool = False) -> Node:
    """
    A node that holds a value: a copy of the array.
    """

@typing.overload
def Producer(
    *,
    dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    name: str = "",
    constant: bool = False,
) -> Node:
    """
    A node that holds zeros, float32.
    """

def QuantizeLinear(name: str = "", **kwargs) -> Node:
    """
    Integers that stand for floats: y = round(x / scale) + zero point, ties to even, clipped to the type of the zero point, or `to`.

    Attributes, by name: axis to
    """

def RMSNorm(
    nb_features: typing.SupportsInt | typing.SupportsIndex,
    epsilon: typing.SupportsFloat | typing.SupportsIndex = 1e-05,
    name: str = "",
) -> Node:
    """
    scale * x / sqrt(mean of x^2 + epsilon) over the last axis of (..., nb_features). Makes the producer <name>_scale (1).
    """

def Range(name: str = "", **kwargs) -> Node:
    """
    start, start + delta … as long as that is below limit (above, for a negative delta).

    Attributes, by name: none
    """

def ReLU(name: str = "") -> Node:
    """
    max(x, 0), any shape.
    """

def Reciprocal(name: str = "", **kwargs) -> Node:
    """
    y = 1 / x.

    Attributes, by name: none
    """

def ReduceL1(name: str = "", **kwargs) -> Node:
    """
    Sum of magnitudes over the given axes; over all axes if none are given, unless noop_with_empty_axes.

    Attributes, by name: axes keep_dims noop_with_empty_axes
    """

def ReduceL2(name: str = "", **kwargs) -> Node:
    """
    Root of the sum of squares over the given axes; over all axes if none are given, unless noop_with_empty_axes.

    Attributes, by name: axes keep_dims noop_with_empty_axes
    """

def ReduceLogSum(name: str = "", **kwargs) -> Node:
    """
    Logarithm of the sum over the given axes; over all axes if none are given, unless noop_with_empty_axes.

    Attributes, by name: axes keep_dims noop_with_empty_axes
    """

def ReduceLogSumExp(name: str = "", **kwargs) -> Node:
    """
    Logarithm of the sum of exp(x) over the given axes; over all axes if none are given, unless noop_with_empty_axes.

    Attributes, by name: axes keep_dims noop_with_empty_axes
    """

def ReduceMax(name: str = "", **kwargs) -> Node:
    """
    Greatest value over the given axes; over all axes if none are given, unless noop_with_empty_axes.

    Attributes, by name: axes keep_dims noop_with_empty_axes
    """

def ReduceMean(
    axes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [],
    keep_dims: bool = True,
    noop_with_empty_axes: bool = False,
    name: str = "",
) -> Node:
    """
    Mean over the axes (all if none are given, unless noop_with_empty_axes), which stay with extent 1 if keep_dims.
    """

def ReduceMin(name: str = "", **kwargs) -> Node:
    """
    Least value over the given axes; over all axes if none are given, unless noop_with_empty_axes.

    Attributes, by name: axes keep_dims noop_with_empty_axes
    """

def ReduceProd(name: str = "", **kwargs) -> Node:
    """
    Product over the given axes; over all axes if none are given, unless noop_with_empty_axes.

    Attributes, by name: axes keep_dims noop_with_empty_axes
    """

def ReduceSum(name: str = "", **kwargs) -> Node:
    """
    Sum over the given axes; over all axes if none are given, unless noop_with_empty_axes.

    Attributes, by name: axes keep_dims noop_with_empty_axes
    """

def ReduceSumSquare(name: str = "", **kwargs) -> Node:
    """
    Sum of squares over the given axes; over all axes if none are given, unless noop_with_empty_axes.

    Attributes, by name: axes keep_dims noop_with_empty_axes
    """

def Reshape(
    shape: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [],
    allowzero: bool = False,
    name: str = "",
) -> Node:
    """
    The values in their order under the dims `shape`: 0 copies the input's dim (unless allowzero), one -1 is inferred.
    """

def Resize(name: str = "", **kwargs) -> Node:
    """
    The data resampled along some axes: nearest, linear or cubic.

    Attributes, by name: antialias axes coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value keep_aspect_ratio_policy mode nearest_mode roi scales sizes
    """

def ReverseSequence(name: str = "", **kwargs) -> Node:
    """
    The first lengths[i] elements of the time axis in reverse order, for each i of the batch axis.

    Attributes, by name: batch_axis time_axis
    """

def Round(name: str = "", **kwargs) -> Node:
    """
    Nearest whole number, halves to the even one.

    Attributes, by name: none
    """

def ScatterElements(name: str = "", **kwargs) -> Node:
    """
    The data with updates at the indices of an axis, one an index.

    Attributes, by name: axis reduction
    """

def ScatterND(name: str = "", **kwargs) -> Node:
    """
    The data with updates at tuples of indices.

    Attributes, by name: reduction
    """

def Selu(name: str = "", **kwargs) -> Node:
    """
    Scaled exponential linear unit: y = gamma * x where x > 0, else gamma * alpha * (exp(x) - 1).

    Attributes, by name: alpha gamma
    """

def Shape(name: str = "", **kwargs) -> Node:
    """
    The dims of the data from axis start to axis end (not included), known before run time.

    Attributes, by name: end start
    """

def Shrink(name: str = "", **kwargs) -> Node:
    """
    y = x + bias where x < -lambd, x - bias where x > lambd, else 0.

    Attributes, by name: bias lambd
    """

def Sigmoid(name: str = "") -> Node:
    """
    1 / (1 + exp(-x)), any shape.
    """

def Sign(name: str = "", **kwargs) -> Node:
    """
    1, 0 or -1, as x is.

    Attributes, by name: none
    """

def Sin(name: str = "", **kwargs) -> Node:
    """
    y = sin(x).

    Attributes, by name: none
    """

def Sinh(name: str = "", **kwargs) -> Node:
    """
    y = sinh(x).

    Attributes, by name: none
    """

def Size(name: str = "", **kwargs) -> Node:
    """
    The number of elements of the data, known before run time.

    Attributes, by name: none
    """

def Slice(name: str = "", **kwargs) -> Node:
    """
    Part of the data along some axes: data[start:end:step] on each, as NumPy has it.

    Attributes, by name: axes ends starts steps
    """

def Softmax(axis: typing.SupportsInt | typing.SupportsIndex = -1, name: str = "") -> Node:
    """
    exp(x) / (sum of exp(x) along axis), any shape with that axis.
    """

def Softplus(name: str = "", **kwargs) -> Node:
    """
    Smooth rectifier: y = log(1 + exp(x)).

    Attributes, by name: none
    """

def Softsign(name: str = "", **kwargs) -> Node:
    """
    y = x / (1 + |x|).

    Attributes, by name: none
    """

def SpaceToDepth(name: str = "", **kwargs) -> Node:
    """
    Moves blocks of space to channels: (N, C, H, W) to (N, C·b², H/b, W/b).

    Attributes, by name: blocksize
    """

def Split(name: str = "", **kwargs) -> Node:
    """
    The data cut along an axis into parts of the extents `split`, or into num_outputs equal ones.

    Attributes, by name: axis num_outputs split
    """

def Sqrt(name: str = "", **kwargs) -> Node:
    """
    Square root: y = sqrt(x).

    Attributes, by name: none
    """

def Squeeze(
    axes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [], name: str = ""
) -> Node:
    """
    Without the given axes, which have extent 1; empty: without all of extent 1.
    """

def Sub(name: str = "") -> Node:
    """
    A - B with NumPy's broadcasting.
    """

def Swish(name: str = "", **kwargs) -> Node:
    """
    y = x / (1 + exp(-alpha * x)).

    Attributes, by name: alpha
    """

def Tan(name: str = "", **kwargs) -> Node:
    """
    y = tan(x).

    Attributes, by name: none
    """

def Tanh(name: str = "") -> Node:
    """
    tanh(x), any shape.
    """

def ThresholdedRelu(name: str = "", **kwargs) -> Node:
    """
    Rectifier with a threshold: y = x where x > alpha, else 0.

    Attributes, by name: alpha
    """

def Tile(name: str = "", **kwargs) -> Node:
    """
    The data put side by side repeats[i] times along axis i.

    Attributes, by name: repeats
    """

def TopK(name: str = "", **kwargs) -> Node:
    """
    The k largest or smallest values along an axis, and their indices.

    Attributes, by name: axis k largest sorted
    """

def Transpose(
    output_dims_order: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [],
    name: str = "",
) -> Node:
    """
    Axis i of the output is axis output_dims_order[i] of the input; empty reverses all axes.
    """

def Trilu(name: str = "", **kwargs) -> Node:
    """
    The upper or lower triangle of the last two axes, zeros elsewhere.

    Attributes, by name: k upper
    """

def Unsqueeze(
    axes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], name: str = ""
) -> Node:
    """
    With new axes of extent 1 at these places of the output.
    """

def Where(name: str = "", **kwargs) -> Node:
    """
    y = X where the condition holds, else Y, with broadcasting.

    Attributes, by name: none
    """

def Xor(name: str = "", **kwargs) -> Node:
    """
    Truth values, with broadcasting: y = A != B.

    Attributes, by name: none
    """

def channel_groups(
    graph_view: GraphView,
    *,
    dims: collections.abc.Sequence[collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]] = [],
) -> list[ChannelGroup]:
    """
    The output channels that can only be removed together, as a list of ChannelGroup in topological order. Channels are followed index by
    index through elementwise operators with broadcasting, normalisation with fixed statistics, pooling, depthwise and grouped
    convolutions, Concat, Split, Slice, Flatten, Reshape, Transpose. Graph outputs, softmax or normalisation across channels, and
    operators that are not known fix the channels that reach them. `dims` of the graph inputs, one list each; by default as compiled
    or declared. Changes nothing. ValueError where dims are open or do not fit.
    """

def collect_inputs(
    graph_view: GraphView,
    data: CalibrationData,
    inputs: collections.abc.Sequence[
        tuple[
            Node,
            typing.SupportsInt | typing.SupportsIndex,
            collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
        ]
    ],
    *,
    max_rows: typing.SupportsInt | typing.SupportsIndex = 100000,
    axes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [],
) -> list[Covariance]:
    """
    One Covariance for each (node, input, units): over all positions, between the channels that arrive there, or between `units`: for each
    channel the number of its unit, -1 for none. The channels lie on axis 1, or on that of `axes`, one per input.
    """

def compensate_layers(
    original: GraphView,
    current: GraphView,
    data: CalibrationData,
    kept: collections.abc.Mapping[
        str, collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]
    ] = {},
    targets: collections.abc.Mapping[str, str] = {},
    *,
    method: CompensationMethod = CompensationMethod.LEAST_SQUARES,
    ridges: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex] = [
        0.0001,
        0.001,
        0.01,
        0.1,
        1.0,
        10.0,
    ],
    fit_share: typing.SupportsFloat | typing.SupportsIndex = 0.7,
    max_unknowns: typing.SupportsInt | typing.SupportsIndex = 5000,
    rows_per_unknown: typing.SupportsInt | typing.SupportsIndex = 40,
    min_rows: typing.SupportsInt | typing.SupportsIndex = 40000,
    memory: typing.SupportsInt | typing.SupportsIndex = 2147483648,
    progress: collections.abc.Callable[[int, int, str], typing.Any] | None = None,
) -> CompensationReport:
    """
    Changes weights and biases of `current`, a smaller version of `original`, so that layer after layer its outputs come near the
    original's: ridge regression on the patches as `current` gives them, the strength chosen on held-out samples, with "no change"
    among the candidates; or, by MEAN_VARIANCE, its outputs get the original's means and variances. `kept`: for layers whose outputs were cut, which outputs of the original they still have.
    `targets`: for layers that have taken over an activation, the name of the activation in the original.
    """

def eigenvalues(
    matrix: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
) -> numpy.typing.NDArray[numpy.float64]:
    """
    Eigenvalues of a symmetric positive semi-definite matrix (n, n), descending, clipped at 0. ValueError where it is no such matrix.
    """

def eliminate_units(
    uses: collections.abc.Sequence[
        tuple[
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
            typing.SupportsFloat | typing.SupportsIndex,
        ]
    ],
    ridge: typing.SupportsFloat | typing.SupportsIndex = 0.0001,
) -> tuple[list[int], numpy.typing.NDArray[numpy.float64]]:
    """
    (order in which units go, loss after each): backward elimination. `uses`: one (covariance (n, n) of the units, gram (n, n) = W^T W,
    weight) a layer that reads them; the loss is the sum of weight * lost share of a layer's output energy, the other units having
    taken over what they can.
    """

def fibnlr(
    model: GraphView,
    provider: typing.Any,
    params: fibnlr_Parameters | None = None,
    *,
    progress: collections.abc.Callable[[int, float | None, int], typing.Any] | None = None,
) -> set[Node]:
    """
    Fast Input-Based Non-Linearity pruning: fibnlr_prepare, fibnlr_compute, fibnlr_prune. The model must be compiled.
    Returns the removed nodes. After a failure model, attributes and observers are as before the call.
    """

def fibnlr_add_activity_tracker(
    node: Node, *, relation: typing.SupportsInt | typing.SupportsIndex | str | None = None
) -> None:
    """
    Adds the attribute "fibnlr.ActivityTracker" of a node with its default value, or keeps the one that is there.
    """

def fibnlr_add_group(
    node: Node, *, relation: typing.SupportsInt | typing.SupportsIndex | str | None = None
) -> None:
    """
    Adds the attribute "fibnlr.Group" of a node with its default value, or keeps the one that is there.
    """

def fibnlr_add_nnpr(
    node: Node, *, relation: typing.SupportsInt | typing.SupportsIndex | str | None = None
) -> None:
    """
    Adds the attribute "fibnlr.NNPR" of a node with its default value, or keeps the one that is there.
    """

def fibnlr_add_npr(
    node: Node, *, relation: typing.SupportsInt | typing.SupportsIndex | str | None = None
) -> None:
    """
    Adds the attribute "fibnlr.NPR" of a node with its default value, or keeps the one that is there.
    """

def fibnlr_compare_NNPR(a: Node, b: Node) -> bool:
    """
    True if a's NNPR is smaller than b's.
    """

def fibnlr_compute(
    model: GraphView,
    provider: typing.Any,
    params: fibnlr_Parameters | None = None,
    *,
    progress: collections.abc.Callable[[int, float | None, int], typing.Any] | None = None,
) -> fibnlr_Convergence:
    """
    Step 2: runs batches of a fresh pass over `provider` until converged, max_iteration or out of data; then sets the NNPRs.
    `provider`: an aidge_core.DataProvider or any iterable of batches; a batch is an array, a sequence whose leading entries feed the
    model's inputs in order, or a dict by input name. `progress(iteration, convergence, samples)` is called after every iteration
    (convergence is None after the first); `return False` stops. The GIL is released; Ctrl-C works between batches.
    After any failure (an exception of the provider, data that does not fit, NaN or infinity …) all attributes are as before the call.
    """

def fibnlr_compute_NNPR(model: GraphView, params: fibnlr_Parameters | None = None) -> dict[Node, float]:
    """
    Recomputes groups and NNPRs from the stored NPRs, without data; stores and returns them in topological order.
    """

def fibnlr_compute_kernel_dims(
    a_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    b_dims: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    b_strides: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
) -> list[int]:
    """
    (k_a - 1) * s_b + k_b on every axis: the kernel of "b feeds a". For "a feeds b" pass b's dims, a's dims, a's strides.
    """

def fibnlr_compute_kernel_strides(
    a_strides: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    b_strides: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
) -> list[int]:
    """
    s_a * s_b on every axis.
    """

def fibnlr_conv_from(a: Node, b: Node) -> Node | None:
    """
    A new, unconnected convolution without weights that stands for `a` followed by `b`, or None if they cannot merge.
    """

def fibnlr_find_groups(model: GraphView) -> set[Group]:
    """
    All groups that nodes carry.
    """

@typing.overload
def fibnlr_find_node_by_group(model: GraphView, group: Group) -> set[Node]:
    """
    The nodes of a group.
    """

@typing.overload
def fibnlr_find_node_by_group(
    model: GraphView, group: typing.SupportsInt | typing.SupportsIndex
) -> set[Node]: ...
def fibnlr_fit_affine(
    model: GraphView, provider: typing.Any, activations: collections.abc.Sequence[str]
) -> list[float]:
    """
    For each activation (by name) the variance of f(x) that the best a * x + b a channel leaves, relative to its variance. One pass.
    """

def fibnlr_get_activity_tracker(
    node: Node, *, relation: typing.SupportsInt | typing.SupportsIndex | str | None = None
) -> ActivityTracker:
    """
    Returns the attribute "fibnlr.ActivityTracker" of a node, shared and not copied. KeyError where there is none.
    """

def fibnlr_get_group(
    node: Node, *, relation: typing.SupportsInt | typing.SupportsIndex | str | None = None
) -> Group:
    """
    Returns the attribute "fibnlr.Group" of a node, shared and not copied. KeyError where there is none.
    """

def fibnlr_get_kernel_dims(node: Node) -> list[int]:
    """
    Kernel extents of a convolution; ValueError for another node.
    """

def fibnlr_get_kernel_strides(node: Node) -> list[int]:
    """
    Strides of a convolution; ValueError for another node.
    """

def fibnlr_get_nnpr(
    node: Node, *, relation: typing.SupportsInt | typing.SupportsIndex | str | None = None
) -> NNPR:
    """
    Returns the attribute "fibnlr.NNPR" of a node, shared and not copied. KeyError where there is none.
    """

def fibnlr_get_npr(
    node: Node, *, relation: typing.SupportsInt | typing.SupportsIndex | str | None = None
) -> NPR:
    """
    Returns the attribute "fibnlr.NPR" of a node, shared and not copied. KeyError where there is none.
    """

def fibnlr_has_activity_tracker(
    node: Node, *, relation: typing.SupportsInt | typing.SupportsIndex | str | None = None
) -> bool:
    """
    True where there is the attribute "fibnlr.ActivityTracker" of a node.
    """

def fibnlr_has_group(
    node: Node, *, relation: typing.SupportsInt | typing.SupportsIndex | str | None = None
) -> bool:
    """
    True where there is the attribute "fibnlr.Group" of a node.
    """

def fibnlr_has_nnpr(
    node: Node, *, relation: typing.SupportsInt | typing.SupportsIndex | str | None = None
) -> bool:
    """
    True where there is the attribute "fibnlr.NNPR" of a node.
    """

def fibnlr_has_npr(
    node: Node, *, relation: typing.SupportsInt | typing.SupportsIndex | str | None = None
) -> bool:
    """
    True where there is the attribute "fibnlr.NPR" of a node.
    """

def fibnlr_in_channels(node: Node) -> int:
    """
    Channels that a convolution takes.
    """

def fibnlr_is_child_of(child: Node, parent: Node) -> bool:
    """
    True if `parent` feeds `child` directly.
    """

def fibnlr_is_conv(node: Node) -> bool:
    """
    True if the node is a Conv1D, Conv2D or Conv3D.
    """

def fibnlr_is_tensor(node: Node) -> bool:
    """
    True if the node works on tensors: all but generic operators.
    """

def fibnlr_merge_conv(a: Node, b: Node) -> Node | None:
    """
    fibnlr_conv_from with the composed weight and bias. ValueError where a weight is no producer's. At the border it computes what the
    two do if fibnlr_merges_exactly.
    """

def fibnlr_merges_exactly(a: Node, b: Node) -> bool:
    """
    Whether merging is exact at the border too, for images of every size.
    """

def fibnlr_out_channels(node: Node) -> int:
    """
    Channels that a convolution gives.
    """

def fibnlr_prepare(model: GraphView, params: fibnlr_Parameters | None = None) -> set[Node]:
    """
    Step 1: gives every prunable node a fresh NPR, ActivityTracker, NNPR (NaN) and Group, and observes its input from now on.
    Returns the prepared nodes. ValueError where parameters are wrong or the image sizes unknown (compile or forward dims first).
    """

def fibnlr_prune(
    model: GraphView, params: fibnlr_Parameters | None = None, provider: typing.Any | None = None
) -> set[Node]:
    """
    Step 3: takes out the eligible activations by their stored NNPR and Group (AblationMethod.NONE: only says which) and every observer
    of FIBNLR off the model. Returns them. AblationMethod.AFFINE fits on `provider` (batches as for fibnlr_compute), a pass for each
    activation. ValueError before fibnlr_compute.
    """

def fibnlr_replace_by_affine(
    original: GraphView, model: GraphView, provider: typing.Any, activations: collections.abc.Sequence[str]
) -> list[tuple[str, str, float]]:
    """
    Replaces activations (by name, in topological order) of `model` by a * x + b a channel, fitted to what they give in `original`
    from what arrives at them in `model` then; folded into the layer before where nothing else reads that. Returns (activation, layer
    that took it over or "", variance that it leaves relative to that of f(x)) each. A failed call changes nothing.
    """

def fibnlr_set_activity_tracker(
    node: Node,
    value: ActivityTracker,
    *,
    relation: typing.SupportsInt | typing.SupportsIndex | str | None = None,
) -> None:
    """
    Copies `value` into the attribute "fibnlr.ActivityTracker" of a node, adding it where it is missing.
    """

def fibnlr_set_group(
    node: Node, value: Group, *, relation: typing.SupportsInt | typing.SupportsIndex | str | None = None
) -> None:
    """
    Copies `value` into the attribute "fibnlr.Group" of a node, adding it where it is missing.
    """

def fibnlr_set_nnpr(
    node: Node, value: NNPR, *, relation: typing.SupportsInt | typing.SupportsIndex | str | None = None
) -> None:
    """
    Copies `value` into the attribute "fibnlr.NNPR" of a node, adding it where it is missing.
    """

def fibnlr_set_npr(
    node: Node, value: NPR, *, relation: typing.SupportsInt | typing.SupportsIndex | str | None = None
) -> None:
    """
    Copies `value` into the attribute "fibnlr.NPR" of a node, adding it where it is missing.
    """

def fibnlr_try_get_activity_tracker(
    node: Node, *, relation: typing.SupportsInt | typing.SupportsIndex | str | None = None
) -> ActivityTracker | None:
    """
    Returns the attribute "fibnlr.ActivityTracker" of a node, shared and not copied, or None.
    """

def fibnlr_try_get_group(
    node: Node, *, relation: typing.SupportsInt | typing.SupportsIndex | str | None = None
) -> Group | None:
    """
    Returns the attribute "fibnlr.Group" of a node, shared and not copied, or None.
    """

def fibnlr_try_get_nnpr(
    node: Node, *, relation: typing.SupportsInt | typing.SupportsIndex | str | None = None
) -> NNPR | None:
    """
    Returns the attribute "fibnlr.NNPR" of a node, shared and not copied, or None.
    """

def fibnlr_try_get_npr(
    node: Node, *, relation: typing.SupportsInt | typing.SupportsIndex | str | None = None
) -> NPR | None:
    """
    Returns the attribute "fibnlr.NPR" of a node, shared and not copied, or None.
    """

def fuse_batchnorm(graph_view: GraphView) -> int:
    """
    Folds every BatchNorm that follows a convolution, a transposed convolution or an FC into it, at whatever depth, and returns how
    many went. Layers whose output others use, or whose parameters are not constant, are left alone. Layers keep their names.
    """

def fuse_convolution(
    graph_view: GraphView,
    *,
    policy: str | collections.abc.Callable[[ConvolutionMerge], typing.Any] = "exact_and_cheaper",
    border: str = "refuse",
    cost: str = "macs",
    data: typing.Any | None = None,
    dims: collections.abc.Sequence[collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]] = [],
    repeats: typing.SupportsInt | typing.SupportsIndex = 7,
) -> FusionReport:
    """
    Merges linear layers that follow each other into one convolution or FC: convolutions, BatchNorm, Mul/Add/Sub/Div by one value a
    channel, average pooling, zero Pad, FC; through Identity, Dropout and Flatten, past a global mean, and across residual sums whose
    branches are linear. Every chain is cut so that the whole is best.
    `policy`: "exact_and_cheaper" merges where the cost goes down; "always" makes the fewest operations; a callable gets each
    possible ConvolutionMerge and says whether it may be made (of those the fewest operations).
    `border`, where the second layer pads what the first one gives and plain merging is inexact: "refuse"; "shift" (exact by a
    shift of the input, where a pointwise first layer admits one); "image" (exact where only biases are in the way and the sizes are
    fixed: adds what they come to as an image); "approximate" (merges, and reports the error measured on `data`,
    batches as for fibnlr_compute).
    `cost`: "macs" or "latency" (measured). `dims`: of the inputs, one list each; by default as compiled or declared.
    `repeats`: forward passes of which latency is the median; 0: none is measured. After a failure the graph is as it was. ValueError
    where an option is unknown, dims are open, or there is no data for "approximate".
    """

def get_connected_graph_view(node: Node) -> GraphView:
    """
    A graph of all nodes connected with this one.
    """

def held_out_ridge(
    fit: Covariance,
    held: Covariance,
    unknowns: typing.SupportsInt | typing.SupportsIndex,
    ridges: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex],
) -> tuple[
    float | None, float, float, numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]
]:
    """
    (ridge or None, error before, error after, coefficients, intercept): fits on `fit` with each strength, takes the one of the least
    mean squared error on `held` (None: predicting 0 is best), refits on both.
    """

def make_node(
    type: str, attributes: dict = {}, name: str = "", nb_inputs: typing.SupportsInt | typing.SupportsIndex = 0
) -> Node:
    """
    A node of any registered type; attributes that are not given keep their defaults.
    """

def meta_operator(type: str, graph: GraphView, name: str = "") -> Node:
    """
    A node whose work is `graph`.
    """

def operator_input_types(type: str) -> list[list[str]]:
    """
    For each declared input of an operator type (the last one may repeat; those that stand for attributes come last) the element types that it runs with, by name.
    Raises ValueError for a type that is not registered.
    """

def operator_types() -> list[str]:
    """
    All registered operator types, sorted.
    """

def parallel(inputs: collections.abc.Sequence[Node | GraphView], name: str = "") -> GraphView:
    """
    Nodes and graphs side by side, each with inputs of its own.
    """

def pfa_collect(
    model: GraphView,
    provider: typing.Any,
    layers: collections.abc.Sequence[Node],
    pooling: pfa_Pooling = pfa_Pooling.MAX,
    *,
    progress: collections.abc.Callable[[int, int, int | None], typing.Any] | None = None,
) -> list[Covariance]:
    """
    One Covariance a layer: of output 0 of these nodes, pooled over the axes behind the channels, over a fresh pass of `provider`.
    `progress(batch, samples, batches)` is called after every batch; `return False` stops. The GIL is released. ValueError: not
    compiled, an empty provider, NaN or infinity (naming layer and samples) …; the model is as before the call, whatever happens.
    """

def pfa_count_of_ratio(
    ratio: typing.SupportsFloat | typing.SupportsIndex, units: typing.SupportsInt | typing.SupportsIndex
) -> int:
    """
    ceil(units * ratio) within [1, units]. ValueError unless ratio is in [0, 1].
    """

def pfa_energy_count(
    eigenvalues: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    threshold: typing.SupportsFloat | typing.SupportsIndex,
    min_kept: typing.SupportsInt | typing.SupportsIndex = 0,
) -> tuple[int, float, float]:
    """
    (units to keep, share of the energy that they hold, energy up to the threshold). ValueError unless threshold is in [0, 1].
    """

def pfa_inactive_units(
    covariance: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    epsilon: typing.SupportsFloat | typing.SupportsIndex = 1e-08,
) -> list[int]:
    """
    Units whose variance is below epsilon times the largest one, ascending.
    """

def pfa_kl_divergence(
    eigenvalues: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
) -> tuple[float, float]:
    """
    (KL divergence of the spectrum from the flat one, the largest possible one ln n), in nats.
    """

def pfa_linear_ratio(
    divergence: typing.SupportsFloat | typing.SupportsIndex,
    largest: typing.SupportsFloat | typing.SupportsIndex,
) -> float:
    """
    1 - divergence / largest; 1 for one unit.
    """

def pfa_removal_order(
    covariance: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    strategy: pfa_UnitStrategy,
    *,
    tie_rule: pfa_TieRule = pfa_TieRule.DNIKIT,
    seed: typing.SupportsInt | typing.SupportsIndex = 0,
    epsilon_inactive: typing.SupportsFloat | typing.SupportsIndex = 1e-08,
) -> list[int]:
    """
    The order in which units go: inactive ones by index, then all active ones but the last. `covariance`: (n, n).
    """

def pfa_size_threshold(
    eigenvalues: collections.abc.Sequence[
        collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex]
    ],
    relative_size: typing.SupportsFloat | typing.SupportsIndex,
    epsilon: typing.SupportsFloat | typing.SupportsIndex = 1e-08,
) -> float:
    """
    The energy threshold that keeps about this share of all layers' units. `eigenvalues`: one list a layer.
    """

def pivoted_cholesky(covariance: typing.Annotated[numpy.typing.ArrayLike, numpy.float64]) -> list[int]:
    """
    The units in the order in which they explain most of what is left of the covariance (n, n): keep the first.
    """

def predict_units(
    covariance: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    mean: typing.Annotated[numpy.typing.ArrayLike, numpy.float64],
    kept: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex],
    ridge: typing.SupportsFloat | typing.SupportsIndex = 0.0001,
) -> tuple[list[int], numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """
    (removed, B (removed, kept), offset): x_removed is about B x_kept + offset, by ridge regression.
    """

def producers(graphview: GraphView, constant: bool = False) -> list[Node]:
    """
    The producers of a graph in order; with `constant` only constants.
    """

def remove_channels(
    graph_view: GraphView,
    channels: dict[Node | str, collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]],
    *,
    multiple: typing.SupportsInt | typing.SupportsIndex = 1,
    dims: collections.abc.Sequence[collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex]] = [],
) -> RemovalReport:
    """
    Takes output channels of layers out of the network, with all that hangs on them (see channel_groups): filters and biases, the
    parameters of normalisation, PReLU and elementwise constants, depthwise filters, and the weights that read them. What is left
    computes what the original would if the layers that read a removed channel had zero weights for it.
    `channels`: {node or its name: output channels}, of layers or of any node that a group passes; where several nodes of a group are
    named, the union goes. A group that cannot be cut, or of which nothing would be left, is refused with the reason, and the others
    go on. `multiple`: every layer keeps a multiple of so many channels, or all of them: the ones named last are put back until it does.
    `dims` of the graph inputs; by default as compiled or declared. Nodes stay, with hooks, observers and attributes. Where the call
    fails the graph is as it was. ValueError where a node is not in the graph, a channel does not exist, multiple < 1, or dims are open.
    """

def remove_dropout(graph_view: GraphView) -> int:
    """
    Takes every Dropout out, at whatever depth, and returns how many went: at inference it does nothing.
    """

def remove_identity(graph_view: GraphView) -> int:
    """
    Takes every Identity out, at whatever depth, and returns how many went. One that joins a graph input directly to a graph
    output stays.
    """

def residual(inputs: collections.abc.Sequence[Node | GraphView], name: str = "") -> GraphView:
    """
    A chain where the first node's output also goes to the last node's free data input (an Add, say).
    """

def ridge_regression(
    moments: Covariance,
    unknowns: typing.SupportsInt | typing.SupportsIndex,
    ridge: typing.SupportsFloat | typing.SupportsIndex,
) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """
    (coefficients (unknowns, targets), intercept) from the Covariance of rows [features, targets]; ridge is relative to the mean of
    the features' variances. ValueError unless ridge > 0.
    """

def sequential(inputs: collections.abc.Sequence[Node | GraphView], name: str = "") -> GraphView:
    """
    A chain of nodes and graphs: each is fed by the one before it.
    """

def set_generic_provider(provider: typing.Any) -> None:
    """
    From now on `provider` runs generic operators (None: nobody does). It has three methods; `attributes` is a dict, `inputs` holds for each
    input (dims, name of the type, value where it is constant else None):
      refusal(type, attributes) -> str: why the operator cannot run, "" where it can, as far as that shows without inputs;
      infer(type, attributes, inputs) -> [(dims, name of the type), ...] | None: one an output; dims None where only a run tells them; None
      where the provider knows nothing of the operator;
      create(type, attributes, inputs) -> callable: called at every forward with a list of read-only arrays (None for what is missing or was
      constant), it returns a list of arrays. The arrays are only valid during the call.
    """

__version__: str = "0.1.0"
NormalisationMethod = NormalizationMethod
fibnlr_Method = Method
fibnlr_NormalizationMethod = NormalizationMethod
fibnlr_NormalisationMethod = NormalizationMethod
fibnlr_GroupMethod = GroupMethod
fibnlr_AblationCriteria = AblationCriteria
fibnlr_AblationMethod = AblationMethod
fibnlr_NPR = NPR
fibnlr_NNPR = NNPR
fibnlr_ActivityTracker = ActivityTracker
fibnlr_Group = Group
